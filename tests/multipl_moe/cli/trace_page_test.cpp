/// trace --html, from a model and source files to the page.
#include <map>
#include <set>

#include "../report/example_page.hpp"
#include "multipl_moe/eval/observed.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace trace_page_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using Json = nlohmann::json;

namespace {

/// A folder with a tiny mixture, mix, its base, and two source files.
struct Workplace {
  ScratchFolder scratch;
  std::string python = "print(\"</script><!--\")  # caf\xc3\xa9\n" + std::string(60, '#') + "\n";

  Workplace() {
    put_tiny_config(scratch);
    put_bytes(scratch / "a.py", python);
    put_bytes(scratch / "b.rs", "fn main() {}\n");
    REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
    REQUIRE(run(scratch,
                "pretrain --data data --config-json tiny.json --batch-size 2 --sequence-length 32 --threads 1 -q "
                "--steps 4 -o base")
                .exit_code == 0);
    REQUIRE(run(scratch, "upcycle --model base -o mix --segment-window 8 --router-deviation 0.5").exit_code == 0);
  }
  Outcome trace(const std::string& words) const {
    return run(scratch, "trace --threads 1 --sequence-length 32 " + words, "PATH=/nowhere");
  }
  Json page(const std::string& name = "page.html") const { return data_of(get_bytes(scratch / name)); }
  bool has(const std::string& name) const { return std::filesystem::exists(scratch / name); }
};

/// The experts with a gate of each row on the page, by expert, in thousandths.
std::map<std::int64_t, std::int64_t> gates_of(const Json& row) {
  std::map<std::int64_t, std::int64_t> gates;
  for (std::size_t i = 0; i < row.size(); i += 3)
    if (row[i + 1] >= 0) gates[row[i]] = row[i + 1];
  return gates;
}

std::map<std::int64_t, std::int64_t> gates_of(const moe::Observation& seen, std::int64_t row) {
  std::map<std::int64_t, std::int64_t> gates;
  for (std::int64_t e = 0; e < seen.experts; ++e) {
    const auto pair = static_cast<std::size_t>(row * seen.experts + e);
    if (seen.kept[pair] != 0) gates[e] = std::llround(1000 * seen.gates[pair]);
  }
  return gates;
}

}  // namespace

TEST_CASE("the page of --file holds the routing that the model computes for the file", "[cli][report]") {
  const Workplace place;
  const Outcome outcome = place.trace("--model mix --html page.html --file a.py --file b.rs");
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.error, ContainsSubstring("wrote page.html: 2 texts, 2 layers, "));
  const Json page = place.page();
  REQUIRE(page["texts"].size() == 2);
  CHECK(page["model"] == "mix");
  CHECK(page["texts"][1]["title"] == "b.rs");
  CHECK(page["texts"][1]["language"] == "Rust");
  const Json& text = page["texts"][0];
  REQUIRE(text["tokens"].size() == place.python.size());
  CHECK(text["source_tokens"] == place.python.size());

  // The same sequences, scored here.
  const auto model = load_model(place.scratch / "mix", 1);
  std::vector<moe::Observation> seen;
  const Observed observed(*model, [&](const moe::Observation& o) { seen.push_back(o); });
  const std::vector<Token> tokens = ByteTokenizer().encode(place.python);
  std::set<std::map<std::int64_t, std::int64_t>> kinds;
  for (std::size_t begin = 0, segment = 0; begin < tokens.size(); begin += 32) {
    const std::size_t size = std::min<std::size_t>(32, tokens.size() - begin);
    const std::span<const Token> part = std::span(tokens).subspan(begin, size);
    const std::vector<Language> languages{Language::python};
    seen.clear();
    model->score({1, static_cast<std::int64_t>(size), part, part, languages});
    REQUIRE(seen.size() == 4);
    std::size_t segments = 0;
    for (const moe::Observation& o : seen) {
      const Json& layer = text["layers"][o.layer];
      for (std::int64_t row = 0; row < o.rows; ++row) {
        const auto at = static_cast<std::size_t>(row);
        if (o.level == "token") {
          CHECK(gates_of(layer["token"][begin + at]) == gates_of(o, row));
          kinds.insert(gates_of(o, row));
        } else {
          CHECK(layer["begin"][segment + at] == begin + static_cast<std::size_t>(o.begin[at]));
          CHECK(gates_of(layer["segment"][segment + at]) == gates_of(o, row));
          segments = static_cast<std::size_t>(o.rows);
        }
      }
    }
    segment += segments;
    CHECK((begin + 32 < tokens.size() || text["layers"][0]["segment"].size() == segment));
  }
  CHECK(kinds.size() > 10);
}

TEST_CASE("the page of --data shows the beginning of each language, beside the tables if asked", "[cli][report]") {
  const Workplace place;
  const Outcome outcome =
      place.trace("--model mix --data data --html page.html --html-tokens 64 --html-layers 1 -o tables --tokens 64");
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.out == get_bytes(place.scratch / "tables/summary.csv"));
  const Json page = place.page();
  CHECK(page["layers"] == Json{1});
  REQUIRE(page["texts"].size() == 6);
  CHECK(page["texts"][4]["title"] == "Go");
  for (const Json& text : page["texts"]) {
    CHECK(text["tokens"].size() == 64);
    CHECK(text["source_tokens"] > 64);
    REQUIRE(text["layers"].size() == 1);
    CHECK(text["layers"][0]["token"].size() == 64);
  }
  // A number that is no multiple of the sequence length, and the usual one.
  REQUIRE(place.trace("--model mix --data data --html other.html --html-tokens 70").exit_code == 0);
  CHECK(place.page("other.html")["texts"][0]["sequences"] == Json{0, 32, 64});
  CHECK(place.page("other.html")["texts"][0]["tokens"].size() == 70);
  REQUIRE(place.trace("--model mix --data data --html other.html").exit_code == 0);
  CHECK(place.page("other.html")["texts"][0]["tokens"].size() > 500);
  CHECK(place.page("other.html")["texts"][0]["tokens"].size() <= 1024);
  // Tables and page of one language count the same tokens.
  std::map<std::int64_t, int> rows;
  for (const Json& row : page["texts"][0]["layers"][0]["token"])
    for (const auto& [expert, gate] : gates_of(row)) ++rows[expert];
  const std::string table = get_bytes(place.scratch / "tables/token_experts.csv");
  for (std::int64_t expert = 0; expert < 6; ++expert) {
    const std::string line = "\npython,1," + std::to_string(expert) + ",";
    REQUIRE_THAT(table, ContainsSubstring(line));
    CHECK(std::stod(table.substr(table.find(line) + line.size())) == Catch::Approx(rows[expert] / 64.0).margin(1e-4));
  }
}

TEST_CASE("trace refuses a page that it cannot make, and flags that have no effect", "[cli][report]") {
  const Workplace place;
  put_bytes(place.scratch / "empty.py", "");
  put_bytes(place.scratch / "long.py", std::string(400'000, 'a'));
  REQUIRE(run(place.scratch, "upcycle --model base -o lora --arch lora").exit_code == 0);
  const auto refused = [&](const std::string& words, int exit_code, const std::string& part) {
    INFO(words);
    const Outcome outcome = place.trace(words);
    CHECK(outcome.exit_code == exit_code);
    CHECK_THAT(outcome.error, ContainsSubstring(part));
    CHECK_FALSE(place.has("p.html"));
    CHECK_FALSE(place.has("t"));
  };
  refused("--model base --html p.html --file a.py", 2, "--html needs a mixture of experts, found a dense model");
  refused("--model lora --html p.html --file a.py", 2, "found a model of architecture lora");
  refused("--model mix --html p.html --file empty.py", 3, "[empty.py] must have text");
  refused("--model mix --html p.html --file nowhere.py", 3, "nowhere.py");
  refused("--model mix --html p.html --file long.py", 2, "at most 2.0 MB, found at least 8.0 MB for 400000 tokens");
  refused("--model mix --html no/p.html --file a.py", 2, "an existing folder, found 'no/p.html'");
  refused("--model mix --html p.html --file a.py --html-layers 0,2", 2, "of 0 to 1, found 2");
  refused("--model mix", 2, "found neither");
  refused("--model mix --html p.html", 2, "--file or --data, found neither");
  refused("--model mix --data data -o t --file a.py", 2, "--file is a setting of the page, found no --html");
  refused("--model mix --data data -o t --html-tokens 5", 2, "--html-tokens is a setting of the page");
  refused("--model mix --data data -o t --html-layers 0", 2, "--html-layers is a setting of the page");
  refused("--model mix -o t --html p.html --file a.py", 2, "--output needs --data");
  refused("--model mix --data data --html p.html --file a.py", 2, "--data is not for a page of files");
  refused("--model mix --split dev --html p.html --file a.py", 2, "--split is a setting of --data");
  refused("--model mix --data data --html p.html --tokens 64", 2, "--tokens is a setting of the tables");
}

}  // namespace trace_page_test
