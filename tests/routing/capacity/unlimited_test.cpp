#include "moe/routing/capacity/unlimited.hpp"

#include "support/catch.hpp"

namespace unlimited_test {

using namespace moe;
static_assert(Capacity<Unlimited>);

TEST_CASE("nothing is dropped without a limit", "[policies]") {
  CHECK(Unlimited{}.rows_per_expert({7, 3}) == 7);
  CHECK(Unlimited{}.rows_per_expert({0, 3}) == 0);
}

}  // namespace unlimited_test
