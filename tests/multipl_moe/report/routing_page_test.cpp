#include "multipl_moe/report/routing_page.hpp"

#include "example_page.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace routing_page_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using moe::testing::is_slow_build;

namespace {

std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a page holds the choices of every token and segment", "[report]") {
  const auto data = data_of(routing_page(example_page(), ByteTokenizer()));
  CHECK(data["architecture"] == "causal-multipl-moe");
  CHECK(data["experts"] == nlohmann::json{{"token", 6}, {"segment", 6}});
  CHECK(data["fixed"] == nlohmann::json{0});
  CHECK(data["layers"] == nlohmann::json{0, 1, 3});
  REQUIRE(data["texts"].size() == 2);
  const auto& text = data["texts"][0];
  CHECK(text["language"] == "Python");
  CHECK(text["sequences"] == nlohmann::json{0, 32, 64});
  REQUIRE(text["layers"].size() == 3);
  const auto& layer = text["layers"][1];
  REQUIRE(layer["token"].size() == script_in_source.size());
  // Gates and probabilities in thousandths; -2: not selected, -1: dropped.
  CHECK(layer["token"][4] == nlohmann::json{0, 250, 200, 3, 750, 438, 4, -2, 125, 5, -2, 63});
  CHECK(layer["begin"][2] == 16);
  CHECK(layer["segment"][2] == nlohmann::json{2, 500, 500});
  CHECK(layer["segment"][3] == nlohmann::json{3, -1, 500});
}

TEST_CASE("a source text cannot end the page's script, and its name no more than it", "[report]") {
  RoutingPage page = example_page();
  const std::string html = routing_page(page, ByteTokenizer());
  RoutingPage harmless = page;
  harmless.texts = {routed_by_hand("a", Language::python, "a")};
  const std::string other = routing_page(harmless, ByteTokenizer());
  for (const char* part : {"<", "</script", "<!--", "<script"})
    CHECK(occurrences(html, part) == occurrences(other, part));
  std::string source;
  const auto data = data_of(html);
  for (const auto& token : data["texts"][0]["tokens"])
    source += token.is_string() ? token.get<std::string>() : token[0].get<std::string>();
  // The second byte of the character is shown as a dot.
  std::string shown(script_in_source);
  shown.insert(shown.find("\xa9") + 1, "\u00b7");
  CHECK(source == shown);
  CHECK(data_of(html)["texts"][1]["title"] == "<b>&.go");
  page.texts[1].title = "caf\xe9.go";
  CHECK(data_of(routing_page(page, ByteTokenizer()))["texts"][1]["title"] == "caf\ufffd.go");
}

TEST_CASE("a page asks for nothing from a network", "[report]") {
  const std::string html = routing_page(example_page(), ByteTokenizer());
  CHECK_THAT(html, ContainsSubstring("default-src 'none'"));
  for (const char* part : {"http:", "https:", " src=", "<link", "@import", "url("}) CHECK(occurrences(html, part) == 0);
}

TEST_CASE("a page above the limit is refused with what to reduce, before and after routing", "[report]") {
  const std::string source(20'000, 'a');
  RoutingPage page = example_page();
  page.texts = {routed_by_hand("long.py", Language::python, source)};
  CHECK_NOTHROW(require_room_on_page(page.texts, 3));
  CHECK_THROWS_WITH(require_room_on_page(page.texts, 24),
                    ContainsSubstring("found at least 3.9 MB") && ContainsSubstring("24 layers"));
  if (is_slow_build) return;
  CHECK_THROWS_WITH(routing_page(page, ByteTokenizer()),
                    ContainsSubstring("at most 2.0 MB, found 2.") && ContainsSubstring("20000 tokens in 3 layers") &&
                        ContainsSubstring("--html-tokens 1") && ContainsSubstring("--html-layers"));
  // The number of tokens that the message names is small enough.
  try {
    routing_page(page, ByteTokenizer());
  } catch (const UsageError& error) {
    const std::string text = error.what(), flag = "--html-tokens ";
    const std::size_t tokens = std::stoul(text.substr(text.find(flag) + flag.size()));
    page.texts = {routed_by_hand("long.py", Language::python, source.substr(0, tokens))};
    const std::string html = routing_page(page, ByteTokenizer());
    CHECK(html.size() <= largest_page);
    CHECK(html.size() > largest_page / 2);
  }
}

}  // namespace routing_page_test
