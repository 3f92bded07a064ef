#include "multipl_moe/reproduce/claims.hpp"

#include <set>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/reproduce/data_files.hpp"
#include "support/catch.hpp"

namespace claims_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string score =
    "[low-up] \r\nsentence = \"It rises.\"  # a comment\nsource = \"Table 1\"\nfamily = \"table1\"\nmeasure = "
    "\"score\"\n"
    "direction = \"better\"\na = \"m\"\nb = [ \"base\", \"x\" ]\nlanguages = [\"low\",\"cpp\"]\nmargin = 1.5\n";
const std::string routing =
    "[bottom]\nsentence = \"#1\"\nsource = \"Figure 3\"\nfamily = \"figure3\"\nmeasure = \"expert-spread\"\n"
    "direction = \"below\"\na = \"m\"\nlanguages = [\"all\"]\nlayer = \"bottom\"\nmargin = 0.25";

/// `text` with the first `from` replaced.
std::string with(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

void check_refused(const std::string& text, const std::string& reason) {
  CAPTURE(text);
  CHECK_THROWS_AS(parse_claims(text, "claims.toml"), BadFile);
  CHECK_THROWS_WITH(parse_claims(text, "claims.toml"), ContainsSubstring(reason));
}

}  // namespace

TEST_CASE("claims are read with all their fields", "[reproduce][claims]") {
  const auto claims = parse_claims("# first\n\n" + score + routing, "claims.toml");
  REQUIRE(claims.size() == 2);
  CHECK(claims[0].id == "low-up");
  CHECK(claims[0].sentence == "It rises.");
  CHECK(claims[0].direction == Direction::better);
  CHECK(claims[0].b == std::vector<std::string>{"base", "x"});
  CHECK(claims[0].languages == std::vector<std::string>{"low", "cpp"});
  CHECK(claims[0].margin == 1.5);
  CHECK(claims[0].text_a.empty());
  CHECK(claims[1].measure == Measure::expert_spread);
  CHECK(claims[1].layer == "bottom");
  CHECK(claims[1].sentence == "#1");
  const auto text = parse_claims(score + "text_a = \"c\"\ntext_margin = 0.01", "claims.toml");
  CHECK(text[0].text_a == "c");
  CHECK(text[0].text_margin == 0.01);
}

TEST_CASE("unknown, missing and repeated fields are refused with their line", "[reproduce][claims]") {
  check_refused(score + "color = \"red\"\n", "line 11: 'color' of [low-up] must be one of a, b, direction");
  check_refused(score + "layer = \"top\"\n", "line 11: 'layer'");
  check_refused(routing + "\nb = [\"base\"]\n", "line 11: 'b'");
  check_refused(with(score, "margin = 1.5\n", ""), "line 1: 'margin' of [low-up] must be there");
  check_refused(with(routing, "layer = \"bottom\"\n", ""), "'layer' of [bottom] must be there");
  check_refused(score + "margin = 2\n", "line 11: 'margin' of [low-up] must be there once");
  check_refused(score + score, "line 11 must begin a section of another name");
  check_refused(score + "text_a = \"c\"\n", "both of text_a and text_margin");
  check_refused(score + "text_margin = 1\n", "both of text_a and text_margin");
}

TEST_CASE("values of other types, and words that mean nothing, are refused", "[reproduce][claims]") {
  check_refused(with(score, "1.5", "\"1.5\""), "line 10: 'margin' of [low-up] must be a number");
  check_refused(with(score, "1.5", "-1"), "must not be negative");
  check_refused(with(score, "\"m\"", "7"), "'a' of [low-up] must be a text");
  check_refused(with(score, "\"m\"", "\"\""), "must not be empty");
  check_refused(with(score, "[ \"base\", \"x\" ]", "[]"), "must not be empty");
  check_refused(with(score, "[ \"base\", \"x\" ]", "\"base\""), "must be a list");
  check_refused(with(score, "\"m\"", "\"base\""), "must not name the system of 'a'");
  check_refused(with(score, "\"cpp\"", "\"c++\""), "names of languages");
  check_refused(with(score, "better", "higher"), "must be one of better, worse, kept, above, below, found 'higher'");
  check_refused(with(score, "\"score\"", "\"speed\""), "must be one of score");
  check_refused(with(score, "better", "above"), "better, worse or kept");
  check_refused(with(routing, "below", "worse"), "above or below");
  check_refused(with(routing, "bottom\"\nmargin", "deep\"\nmargin"), "must be one of bottom, middle, top");
}

TEST_CASE("lines that are not of the known forms are refused", "[reproduce][claims]") {
  for (const char* line : {"a",
                           "= 1",
                           "a =",
                           "a = b",
                           "a = \"b",
                           "a = \"b\" c",
                           "a = \"\\n\"",
                           "a = 1 2",
                           "a = nan",
                           "a = inf",
                           "a = 1e999",
                           "a = [\"b\"",
                           "a = [\"b\",]",
                           "a = [b]",
                           "a = [1]",
                           "a = 'b'",
                           "a = [\"b\" \"c\"]",
                           "A = 1",
                           "[c",
                           "[]",
                           "[C]",
                           "[[c]]",
                           "a = true"}) {
    CAPTURE(line);
    CHECK_THROWS_WITH(parse_claims(std::string("[x]\n") + line + "\n", "c"), ContainsSubstring("line 2 must"));
  }
  check_refused("a = 1\n[x]\n", "line 1 must read NAME = VALUE, after a line [SECTION]");
  CHECK(parse_claims("", "c").empty());
  CHECK(parse_claims("\xef\xbb\xbf# only a comment", "c").empty());
}

TEST_CASE("the paper's claims are eighteen", "[reproduce][claims]") {
  const auto claims = parse_claims(claims_text, "claims.toml");
  CHECK(claims.size() == 18);
  std::set<std::string> families;
  for (const Claim& claim : claims) {
    families.insert(claim.family);
    CAPTURE(claim.id);
    CHECK(claim.sentence.ends_with('.'));
    CHECK(claim.a == (claim.id == "lora-worsens-low" ? "lora" : "multipl-moe"));
  }
  CHECK(families == std::set<std::string>{"table1", "table2", "table3", "figure3", "figure5", "figures4-6-7"});
}

TEST_CASE("groups of languages", "[reproduce][claims]") {
  CHECK(languages_of_group("low") == std::vector{Language::rust, Language::go, Language::ruby});
  CHECK(languages_of_group("high") == std::vector{Language::python, Language::java, Language::cpp});
  CHECK(languages_of_group("all").size() == language_count);
  CHECK(languages_of_group("go") == std::vector{Language::go});
  CHECK(languages_of_group("c").empty());
}

}  // namespace claims_test
