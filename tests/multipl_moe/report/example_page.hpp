/// A page with routing written by hand, and its data read back.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "multipl_moe/report/routing_page.hpp"
#include "multipl_moe/tokenizer/byte_tokenizer.hpp"

namespace multipl_moe::testing {

constexpr std::string_view script_in_source =
    "x = \"</script><script>alert(1)</script><!-- &amp; caf\xc3\xa9\"\n\tif x < 3:\n\n\t\treturn x\n";

/// Token t of layer l goes to shared expert 0 with gate 0.25, then to expert 1 + (t / 3 + l) % 5; the next two are its
/// runners-up. Segments of 8 tokens: segment v goes to expert v % 6, every fourth one to none.
inline RoutedText routed_by_hand(std::string title, Language language, std::string_view source) {
  using Kind = RoutedChoice::Kind;
  RoutedText text{.title = std::move(title), .language = language, .tokens = ByteTokenizer().encode(source)};
  const std::int64_t size = std::ssize(text.tokens);
  text.source_tokens = size;
  for (std::int64_t first = 0; first < size; first += 32) text.sequences.push_back(first);
  for (const std::uint32_t layer : {0U, 1U, 3U}) {
    RoutedLevel token{.experts = 6, .begin = {}, .rows = {}}, segment = token;
    for (std::int64_t t = 0; t < size; ++t) {
      const auto expert = [&](std::int64_t place) { return 1 + (t / 3 + layer + place) % 5; };
      token.begin.push_back(t);
      token.rows.push_back({{0, Kind::selected, 0.25, 0.2},
                            {expert(0), Kind::selected, 0.75, 0.4375},
                            {expert(1), Kind::runner_up, 0, 0.125},
                            {expert(2), Kind::runner_up, 0, 0.0625}});
    }
    for (std::int64_t v = 0; v * 8 < size; ++v) {
      segment.begin.push_back(v * 8);
      segment.rows.push_back({{v % 6, v % 4 == 3 ? Kind::dropped : Kind::selected, v % 4 == 3 ? 0 : 0.5, 0.5}});
    }
    text.layers[layer] = {std::move(token), std::move(segment)};
  }
  return text;
}

inline RoutingPage example_page() {
  return {.model = "post",
          .architecture = "causal-multipl-moe",
          .fixed_token_experts = {0},
          .texts = {routed_by_hand("evil.py", Language::python, script_in_source),
                    routed_by_hand("<b>&.go", Language::go, "func f() {\n\treturn 1 +\t2\n}\n")}};
}

/// The data that a page has in its script element.
inline nlohmann::json data_of(const std::string& html) {
  const std::string begin = "<script type=\"application/json\" id=\"routing\">";
  const std::size_t from = html.find(begin) + begin.size();
  return nlohmann::json::parse(html.substr(from, html.find("</script>", from) - from));
}

}  // namespace multipl_moe::testing
