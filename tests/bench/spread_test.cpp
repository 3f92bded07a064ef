#include "bench/spread.hpp"

#include "support/catch.hpp"

namespace spread_test {

using Catch::Approx;
using moe_bench::spread_of;

TEST_CASE("quartiles are interpolated, for any order of the values", "[bench]") {
  const auto four = spread_of({4, 1, 3, 2});
  CHECK(four.median == Approx(2.5));
  CHECK(four.least == 1);
  CHECK(four.first_quartile == Approx(1.75));
  CHECK(four.third_quartile == Approx(3.25));
  CHECK(four.interquartile() == Approx(1.5));
  const auto five = spread_of({50, 10, 40, 20, 30});
  CHECK(five.median == 30);
  CHECK(five.first_quartile == 20);
  CHECK(five.third_quartile == 40);
}

TEST_CASE("all quantiles of one value are that value, those of no values are 0", "[bench]") {
  const auto one = spread_of({7});
  CHECK(one.median == 7);
  CHECK(one.interquartile() == 0);
  CHECK(spread_of({}).median == 0);
}

}  // namespace spread_test
