#include "moe/routing/router/top_k.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/rows.hpp"

namespace top_k_test {

using namespace moe;
using namespace moe::testing;
using Ranks = std::vector<ChoiceOrder>;

TEMPLATE_TEST_CASE("TopK selects the largest logits in order", "[policies]", float, double) {
  const std::vector<TestType> z = {1, 3, 2, -4};
  CHECK(choose(TopK{.k = 2}, z) == Ranks{0, 1, 2, 0});
  CHECK(choose(TopK{.k = 1}, z) == Ranks{0, 1, 0, 0});
  CHECK(choose(TopK{.k = 4}, z) == Ranks{3, 1, 2, 4});
  CHECK(choose(TopK{.k = 9}, z) == Ranks{3, 1, 2, 4});
  CHECK(choose(TopK{.k = 0}, z) == Ranks{0, 0, 0, 0});
  CHECK(choose(TopK{.k = 2}, std::vector<TestType>{}).empty());
}

TEST_CASE("among equals the lower index is chosen", "[policies]") {
  CHECK(choose(TopK{.k = 2}, std::vector<float>{5, 5, 5, 5}) == Ranks{1, 2, 0, 0});
  CHECK(choose(TopK{.k = 2}, std::vector<float>{1, 7, 0, 7}) == Ranks{0, 1, 0, 2});
  CHECK(choose(TopK{.k = 2}, std::vector<float>{0.0f, -0.0f, 0.0f}) == Ranks{1, 2, 0});
}

TEST_CASE("infinite logits are ordered and NaN never beats a number", "[policies]") {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(choose(TopK{.k = 1}, std::vector<float>{-inf, -1, -inf}) == Ranks{0, 1, 0});
  CHECK(choose(TopK{.k = 1}, std::vector<float>{1, inf, 2}) == Ranks{0, 1, 0});
  CHECK(choose(TopK{.k = 2}, std::vector<float>{nan, -inf, 3}) == Ranks{0, 2, 1});
  CHECK(choose(TopK{.k = 2}, std::vector<float>{1, nan, 3}) == Ranks{2, 0, 1});
}

}  // namespace top_k_test
