#include "moe/routing/capacity/share.hpp"

#include <algorithm>
#include <limits>

#include "support/catch.hpp"

namespace share_test {

using namespace moe;

TEST_CASE("a share of whole numbers equals integer division, rounded as requested", "[policies]") {
  for (const Index rows : {1, 2, 3, 7, 64, 1000, 4097})
    for (const Index experts : {1, 2, 3, 5, 8, 49}) {
      INFO(rows << " rows, " << experts << " experts");
      const Demand demand{rows, experts, 2 * rows};
      CHECK(share_of_expert(demand, rows, 1, RoundShare::down, 0) == rows / experts);
      CHECK(share_of_expert(demand, rows, 1, RoundShare::up, 0) == (rows + experts - 1) / experts);
      CHECK(share_of_expert(demand, 2 * rows, 1, RoundShare::down, 0) == (std::min)(rows, 2 * rows / experts));
    }
}

TEST_CASE("a share lies between the minimum and the number of rows, and is 0 without rows or experts", "[policies]") {
  const double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (const RoundShare round : {RoundShare::down, RoundShare::up}) {
    CHECK(share_of_expert({9, 3, 9}, 9, 0, round, 2) == 2);
    CHECK(share_of_expert({9, 3, 9}, 9, 1, round, 4) == 4);
    CHECK(share_of_expert({9, 3, 9}, 9, nan, round, 2) == 2);
    CHECK(share_of_expert({9, 3, 9}, 9, infinity, round, 2) == 9);
    CHECK(share_of_expert({9, 3, 9}, 9, 1e300, round, 2) == 9);
    CHECK(share_of_expert({3, 3, 3}, 3, 1, round, 4) == 3);
    CHECK(share_of_expert({0, 3, 0}, 0, infinity, round, 4) == 0);
    CHECK(share_of_expert({9, 0, 9}, 9, 1, round, 4) == 0);
  }
}

}  // namespace share_test
