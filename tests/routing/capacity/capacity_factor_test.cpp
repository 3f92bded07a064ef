#include "moe/routing/capacity/capacity_factor.hpp"

#include <cmath>

#include "support/catch.hpp"

namespace capacity_factor_test {

using namespace moe;

static_assert(DroppingCapacity<CapacityFactor>);

TEST_CASE("the capacity is an expert's even share of all choices times the factor, rounded up", "[policies]") {
  // 100 rows that select 2 of 8 experts each: 25 pairs per expert.
  CHECK(CapacityFactor{.factor = 1}.rows_per_expert({100, 8, 200}) == 25);
  CHECK(CapacityFactor{.factor = 1.25}.rows_per_expert({100, 8, 200}) == 32);
  CHECK(CapacityFactor{.factor = 2}.rows_per_expert({100, 8, 200}) == 50);
}

TEST_CASE("the capacity is at least the minimum and at most the number of rows", "[policies]") {
  CHECK(CapacityFactor{.factor = 1, .minimum = 4}.rows_per_expert({16, 8, 16}) == 4);
  CHECK(CapacityFactor{.factor = 1, .minimum = 4}.rows_per_expert({3, 8, 3}) == 3);
  CHECK(CapacityFactor{.factor = 1e30}.rows_per_expert({16, 8, 16}) == 16);
  CHECK(CapacityFactor{.factor = -1}.rows_per_expert({16, 8, 16}) == 4);
  CHECK(CapacityFactor{.factor = std::nan("")}.rows_per_expert({16, 8, 16}) == 4);
  CHECK(CapacityFactor{}.rows_per_expert({0, 8, 0}) == 0);
  CHECK(CapacityFactor{}.rows_per_expert({16, 0, 0}) == 0);
}

}  // namespace capacity_factor_test
