#include "bench/learn/load_tally.hpp"

#include "support/catch.hpp"

namespace load_tally_test {

using namespace moe_bench;
using Catch::Approx;

namespace {

moe::Observation seen(std::uint32_t layer, std::vector<moe::ChoiceOrder> chosen, std::vector<moe::ChoiceOrder> kept) {
  moe::Observation observation;
  observation.layer = layer;
  observation.level = "token";
  observation.experts = 3;
  observation.rows = static_cast<moe::Index>(chosen.size()) / 3;
  observation.chosen = std::move(chosen);
  observation.kept = std::move(kept);
  return observation;
}

}  // namespace

TEST_CASE("a tally counts pairs, dropped pairs and rows without an expert, level by level", "[bench][learn]") {
  LoadTally tally;
  tally.add(seen(0, {1, 2, 0, 1, 0, 2}, {1, 2, 0, 1, 0, 0}));  // loads 2 1 0
  tally.add(seen(1, {0, 1, 0, 0, 1, 0}, {0, 1, 0, 0, 0, 0}));  // loads 0 1 0, one row without an expert
  tally.add(seen(0, {0, 0, 1, 0, 0, 1}, {0, 0, 1, 0, 0, 1}));  // loads 0 0 2
  const auto levels = tally.take();
  REQUIRE(levels.size() == 2);
  const LevelLoad& first = levels.front();
  CHECK(first.layer == 0);
  CHECK(first.level == "token");
  CHECK(first.rows == 4);
  CHECK(first.chosen == 6);
  CHECK(first.kept == 5);
  CHECK(first.unserved == 0);
  CHECK(first.load == std::vector<std::int64_t>{2, 1, 2});
  // Batch by batch: a load of 2 with a mean of 1, then 2 with a mean of 2/3.
  CHECK(first.peak == Approx((2 + 3) / 2.0));
  // Without the busiest expert: a load of 1 with a mean of 1/2, then no load.
  CHECK(first.peak_of_rest == Approx((2 + 1) / 2.0));
  CHECK(levels.back().layer == 1);
  CHECK(levels.back().unserved == 1);
  CHECK(levels.back().chosen == 2);
  CHECK(levels.back().kept == 1);
  CHECK(tally.take().empty());
}

}  // namespace load_tally_test
