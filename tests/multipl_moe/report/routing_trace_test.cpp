#include "multipl_moe/report/routing_trace.hpp"

#include <numeric>

#include "../train/tiny_run.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace routing_trace_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

namespace {

struct Traced {
  TinyRun run;
  LanguageFiles test = open_language_files(run.scratch / "data", "test", ByteTokenizer().hash());
  std::unique_ptr<LanguageModel> mixture;

  explicit Traced(MoeConfig moe) {
    moe.segment_window = 8;
    mixture = upcycled(*run.model, moe, {.seed = 1});
  }
};

}  // namespace

TEST_CASE("every token, segment and sequence of the text is counted once in every layer", "[report]") {
  Traced traced(mixture_named("causal-multipl-moe").value());
  // 250 tokens are 7 whole sequences of 32: two batches of 3 and one of 1.
  const RoutingTrace trace = trace_routing(*traced.mixture, traced.test, {.sequences = 3, .length = 32, .tokens = 250});
  const auto layers = static_cast<std::size_t>(traced.mixture->config().num_hidden_layers);
  for (const auto& tally : trace) {
    REQUIRE(tally);
    CHECK(tally->token.size() == layers);
    CHECK(tally->segment.size() == layers);
    for (const auto& [layer, level] : tally->token) {
      CHECK(level.rows == 7 * 32);
      CHECK(level.kept[0] == level.rows);
      CHECK(level.pairs_kept() == 2 * level.rows);
      CHECK(level.sharing[2] == level.rows);
    }
    for (const auto& [layer, level] : tally->segment) {
      CHECK(level.rows == 7 * 32 / 8);
      CHECK(std::accumulate(level.sharing.begin(), level.sharing.end(), std::int64_t{0}) == level.rows);
      REQUIRE(level.positions.size() == 4);
      for (const auto& position : level.positions) CHECK(position.sequences == 7);
    }
  }
}

TEST_CASE("the batch size does not change the routing of a causal model", "[report]") {
  Traced traced(mixture_named("causal-multipl-moe").value());
  const TraceOptions one{.sequences = 1, .length = 32, .tokens = 128};
  const RoutingTrace a = trace_routing(*traced.mixture, traced.test, one);
  const RoutingTrace b = trace_routing(*traced.mixture, traced.test, {.sequences = 4, .length = 32, .tokens = 128});
  for (std::size_t l = 0; l < a.size(); ++l)
    for (const auto& [layer, level] : a[l]->segment) CHECK(level.kept == b[l]->segment.at(layer).kept);
}

TEST_CASE("0 tokens means all tokens, and at least one sequence is traced", "[report]") {
  Traced traced(mixture_named("gshard").value());
  const auto rows = [&](std::int64_t tokens) {
    return trace_routing(*traced.mixture, traced.test, {.sequences = 4, .length = 32, .tokens = tokens})[0]
        ->token.at(0)
        .rows;
  };
  CHECK(rows(1) == 32);
  const auto& file = *traced.test[0];
  CHECK(rows(0) > file.token_count() - 32);
  CHECK(rows(0) <= file.token_count());
}

TEST_CASE("a dense model has nothing to trace", "[report]") {
  TinyRun run;
  const auto test = open_language_files(run.scratch / "data", "test", ByteTokenizer().hash());
  CHECK_THROWS_AS(trace_routing(*run.model, test, {}), UsageError);
}

}  // namespace routing_trace_test
