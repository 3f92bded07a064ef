#include "moe/routing/capacity/segment_capacity.hpp"

#include "support/catch.hpp"

namespace segment_capacity_test {

using namespace moe;
static_assert(Capacity<SegmentCapacity>);

TEST_CASE("SegmentCapacity matches the golden capacities of six experts", "[policies][golden]") {
  const SegmentCapacity capacity;
  CHECK(capacity.rows_per_expert({16, 6}) == 2);
  CHECK(capacity.rows_per_expert({32, 6}) == 5);
  CHECK(capacity.rows_per_expert({64, 6}) == 10);
  CHECK(capacity.rows_per_expert({128, 6}) == 21);
  CHECK(capacity.rows_per_expert({1024, 6}) == 170);
}

TEST_CASE("an expert takes at least one row and never more than there are", "[policies]") {
  CHECK(SegmentCapacity{.factor = 1}.rows_per_expert({2, 6}) == 1);
  CHECK(SegmentCapacity{.factor = 0}.rows_per_expert({5, 2}) == 1);
  CHECK(SegmentCapacity{.factor = 9}.rows_per_expert({5, 2}) == 5);
  CHECK(SegmentCapacity{.factor = 1.5}.rows_per_expert({10, 4}) == 3);
  CHECK(SegmentCapacity{.factor = 1}.rows_per_expert({0, 6}) == 0);
  CHECK(SegmentCapacity{.factor = 1}.rows_per_expert({5, 0}) == 0);
}

}  // namespace segment_capacity_test
