#include "multipl_moe/eval/routing_tally.hpp"

#include <algorithm>
#include <cmath>

#include "../report/observed.hpp"
#include "support/catch.hpp"

namespace routing_tally_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Approx;
using Counts = std::vector<std::int64_t>;

TEST_CASE("pairs are counted as selected and as kept", "[report]") {
  RoutingTally tally;
  tally.add(observed_tokens(), 4);
  REQUIRE(tally.token.size() == 1);
  CHECK(tally.segment.empty());
  const LevelTally& level = tally.token.at(2);
  CHECK(level.rows == 4);
  CHECK(level.chosen == Counts{2, 2, 1});
  CHECK(level.kept == Counts{2, 2, 0});
  CHECK(level.sharing == Counts{1, 2, 1, 0});
  CHECK(level.mean_gate(0) == Approx(0.75));
  CHECK(level.mean_gate(1) == Approx(0.375));
  CHECK(std::isnan(level.mean_gate(2)));
  CHECK(level.positions.empty());
}

TEST_CASE("load and entropy follow their definitions", "[report]") {
  RoutingTally tally;
  tally.add(observed_tokens(), 4);
  const LevelTally& level = tally.token.at(2);
  CHECK(level.load_max_over_mean() == Approx(2 / (4 / 3.0)));
  CHECK(level.load_variation() == Approx(std::sqrt(((2 - 4 / 3.) * (2 - 4 / 3.) * 2 + 16 / 9.) / 3) / (4 / 3.)));
  // Rows of gates {0.5, 0.5}, {1} and {0.25}, which counts as 1; the fourth has none.
  CHECK(level.mean_entropy() == Approx(std::log(2) / 3));
}

TEST_CASE("experts that process every row by design are not part of a router's load", "[report]") {
  RoutingTally tally{.fixed_token_experts = {1}};
  tally.add(observed_tokens(), 4);
  tally.add(observed_segments(), 10);
  const LevelTally& level = tally.token.at(2);
  CHECK(level.routed() == 2);
  CHECK(level.kept == Counts{2, 2, 0});
  // Of the other experts one has both rows, and one of three pairs was dropped.
  CHECK(level.load_max_over_mean() == Approx(2));
  CHECK(level.load_variation() == Approx(1));
  CHECK(level.load_evenness() == Approx(0).margin(1e-12));
  CHECK(level.dropped_share() == Approx(1 / 3.0));
  CHECK(tally.segment.at(0).routed() == 2);

  const RoutingLoads loads = loads_of(tally);
  REQUIRE(loads.token.size() == 1);
  CHECK(loads.token[0].max_over_mean == Approx(2));
  CHECK(loads.token[0].dropped == Approx(1 / 3.0));
  REQUIRE(loads.segment.size() == 1);
  CHECK(loads.segment[0].max_over_mean == Approx(1));
  CHECK(loads.segment[0].evenness == Approx(1));
  CHECK(loads.segment[0].dropped == 0);
}

TEST_CASE("a level where all experts are fixed has no load", "[report]") {
  RoutingTally tally{.fixed_token_experts = {0, 1, 2}};
  tally.add(observed_tokens(), 4);
  CHECK(loads_of(tally).token.empty());
  CHECK(std::isnan(tally.token.at(2).load_max_over_mean()));
  CHECK(tally.token.at(2).dropped_share() == 0);
}

TEST_CASE("the evenness of a load is its entropy divided by that of an even load", "[report]") {
  RoutingTally tally;
  tally.add(observed_tokens(), 4);
  CHECK(tally.token.at(2).load_evenness() == Approx(std::log(2) / std::log(3)));
  CHECK(tally.token.at(2).dropped_share() == Approx(0.2));
}

TEST_CASE("the architecture determines which experts process every row", "[report]") {
  ModelConfig config = size_named("tiny");
  CHECK(fixed_token_experts(config).empty());
  const auto of = [&](const char* architecture) {
    config.moe = mixture_named(architecture, config.intermediate_size);
    return fixed_token_experts(config);
  };
  CHECK(of("causal-multipl-moe") == Counts{0});
  CHECK(of("gshard").empty());
  CHECK(of("mixtral").empty());
  CHECK(of("qwen1.5-moe").empty());
  CHECK(of("lora") == Counts{0});
  CHECK(of("mole") == Counts{6});
  config.moe = mixture_named("multipl-moe");
  config.moe->shared_expert_index = 3;
  CHECK(fixed_token_experts(config) == Counts{3});
  config.moe->router = "top-k";
  CHECK(fixed_token_experts(config).empty());
}

TEST_CASE("positions of segments restart with every sequence, for any lengths", "[report]") {
  RoutingTally tally;
  tally.add(observed_segments(), 10);
  tally.add(observed_segments(), 10);
  const LevelTally& level = tally.segment.at(0);
  REQUIRE(level.positions.size() == 3);
  CHECK(level.positions[0].sequences == 4);
  CHECK(level.positions[0].kept == Counts{2, 2});
  CHECK(level.positions[1].sequences == 4);
  CHECK(level.positions[1].kept == Counts{4, 4});
  CHECK(level.positions[2].sequences == 2);
  CHECK(level.positions[2].kept == Counts{0, 0});
  CHECK(level.sharing == Counts{2, 4, 4});
}

TEST_CASE("a level without any pair has no load and no entropy", "[report]") {
  moe::Observation none = observed_segments();
  std::fill(none.kept.begin(), none.kept.end(), 0);
  std::fill(none.gates.begin(), none.gates.end(), 0);
  RoutingTally tally;
  tally.add(none, 10);
  CHECK(std::isnan(tally.segment.at(0).load_max_over_mean()));
  CHECK(std::isnan(tally.segment.at(0).load_variation()));
  CHECK(std::isnan(tally.segment.at(0).mean_entropy()));
}

}  // namespace routing_tally_test
