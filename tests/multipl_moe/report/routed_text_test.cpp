#include "multipl_moe/report/routed_text.hpp"

#include <algorithm>

#include "../train/tiny_run.hpp"
#include "multipl_moe/eval/observed.hpp"
#include "support/catch.hpp"

namespace routed_text_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

namespace {

std::unique_ptr<LanguageModel> mixture_of(const TinyRun& run, const char* architecture) {
  MoeConfig moe = mixture_named(architecture).value();
  moe.segment_window = 8;
  return upcycled(*run.model, moe, {.seed = 1, .router_deviation = 0.5});
}

RoutedText text_of(const std::string& source) {
  RoutedText text{.title = "a.py", .language = Language::python, .tokens = ByteTokenizer().encode(source)};
  text.source_tokens = std::ssize(text.tokens);
  return text;
}

/// The experts of every row, selected or not, in their order: gates can differ by rounding between batches.
std::vector<std::vector<std::int64_t>> experts_of(const RoutedLevel& level) {
  std::vector<std::vector<std::int64_t>> experts;
  for (const std::vector<RoutedChoice>& row : level.rows) {
    experts.emplace_back();
    for (const RoutedChoice& choice : row) experts.back().push_back(choice.expert);
  }
  return experts;
}

const std::string source = "def mean(values):\n    return sum(values) / len(values)\n\nprint(mean([1, 2, 3]))\n";

}  // namespace

TEST_CASE("a text is cut into whole sequences and the rest, whose routing is recorded", "[report]") {
  const TinyRun run;
  const auto mixture = mixture_of(run, "causal-multipl-moe");
  RoutedText text = text_of(source);
  REQUIRE(text.tokens.size() == 79);
  route_text(*mixture, {.sequences = 2, .length = 32, .layers = {0, 1}}, text);
  CHECK(text.sequences == std::vector<std::int64_t>{0, 32, 64});
  REQUIRE(text.layers.size() == 2);
  for (const auto& [number, layer] : text.layers) {
    REQUIRE(layer.token);
    REQUIRE(layer.segment);
    REQUIRE(layer.token->rows.size() == 79);
    for (std::size_t t = 0; t < 79; ++t) {
      const std::vector<RoutedChoice>& row = layer.token->rows[t];
      CHECK(layer.token->begin[t] == static_cast<std::int64_t>(t));
      // The shared expert, the routed one, and two others.
      REQUIRE(row.size() == 4);
      CHECK(row[0].expert == 0);
      CHECK(row[1].kind == RoutedChoice::Kind::selected);
      CHECK(row[2].kind == RoutedChoice::Kind::runner_up);
      CHECK(row[0].gate + row[1].gate == Catch::Approx(1));
      CHECK(row[1].probability >= row[2].probability);
      CHECK(row[2].probability >= row[3].probability);
      CHECK(row[3].probability > 0);
    }
    // Segments of 8 that do not cross the borders of sequences: 4 + 4 + 2.
    REQUIRE(layer.segment->begin.size() == 10);
    CHECK(layer.segment->begin[8] == 64);
    CHECK(layer.segment->begin[9] == 72);
  }
  RoutedText part = text_of(source);
  route_text(*mixture, {.sequences = 1, .length = 32, .layers = {1}}, part);
  REQUIRE(part.layers.size() == 1);
  CHECK(experts_of(*part.layers.at(1).token) == experts_of(*text.layers.at(1).token));
  CHECK(experts_of(*part.layers.at(1).segment) == experts_of(*text.layers.at(1).segment));
}

TEST_CASE("recorded choices are those that the model makes", "[report]") {
  const TinyRun run;
  // Several routed experts for each token, none of them shared.
  const auto mixture = mixture_of(run, "gshard");
  RoutedText text = text_of(source.substr(0, 64));
  std::vector<moe::Observation> seen;
  {
    const Observed observed(*mixture, [&](const moe::Observation& o) { seen.push_back(o); });
    route_text(*mixture, {.sequences = 2, .length = 32, .layers = {0, 1}}, text);
  }
  REQUIRE(seen.size() == 2);
  for (const moe::Observation& o : seen) {
    const RoutedLevel& level = *text.layers.at(o.layer).token;
    for (std::size_t t = 0; t < 64; ++t) {
      moe::ChoiceOrder selected = 0;
      for (const RoutedChoice& choice : level.rows[t]) {
        const std::size_t pair = t * static_cast<std::size_t>(o.experts) + static_cast<std::size_t>(choice.expert);
        if (choice.kind == RoutedChoice::Kind::runner_up) {
          CHECK(o.chosen[pair] == 0);
        } else {
          CHECK(o.chosen[pair] == ++selected);
          CHECK((choice.kind == RoutedChoice::Kind::dropped) == (o.kept[pair] == 0));
          CHECK(choice.gate == o.gates[pair]);
        }
      }
      const auto orders = o.chosen.begin() + static_cast<std::ptrdiff_t>(t) * o.experts;
      CHECK(selected == o.experts - std::count(orders, orders + o.experts, 0));
    }
  }
}

}  // namespace routed_text_test
