#include "moe/train/schedule.hpp"

#include "support/catch.hpp"

namespace schedule_test {

using namespace moe;
using Catch::Approx;

TEST_CASE("the rate rises linearly, falls along half a cosine and stays at the floor", "[train]") {
  const CosineSchedule schedule{.peak = 2, .floor = 0.5, .warm_up = 10, .total = 110};
  CHECK(schedule.at(1) == Approx(0.2));
  CHECK(schedule.at(10) == Approx(2));
  CHECK(schedule.at(60) == Approx(1.25));
  CHECK(schedule.at(110) == Approx(0.5));
  CHECK(schedule.at(1000) == Approx(0.5));
  for (Index step = 11; step <= 110; ++step) CHECK(schedule.at(step) < schedule.at(step - 1));
}

TEST_CASE("a schedule without warm-up starts near its peak", "[train]") {
  const CosineSchedule schedule{.peak = 1, .floor = 0, .warm_up = 0, .total = 1000};
  CHECK(schedule.at(1) == Approx(1).epsilon(1e-5));
  CHECK(schedule.at(500) == Approx(0.5));
}

}  // namespace schedule_test
