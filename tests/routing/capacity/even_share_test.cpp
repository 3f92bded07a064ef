#include "moe/routing/capacity/even_share.hpp"

#include <limits>

#include "support/catch.hpp"

namespace even_share_test {

using namespace moe;

TEST_CASE("an even share is rounded up", "[policies]") {
  CHECK(EvenShare{}.rows_per_expert({12, 4, 12}) == 3);
  CHECK(EvenShare{}.rows_per_expert({13, 4, 13}) == 4);
  CHECK(EvenShare{}.rows_per_expert({0, 4, 0}) == 0);
  CHECK(EvenShare{}.rows_per_expert({5, 0, 5}) == 0);
  // 2^63 - 1 rows, where rows + experts - 1 is more than an Index holds.
  const Index most = (std::numeric_limits<Index>::max)();
  CHECK(EvenShare{}.rows_per_expert({most, 2, most}) == Index{1} << 62);
}

}  // namespace even_share_test
