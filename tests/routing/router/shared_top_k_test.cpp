#include "moe/routing/router/shared_top_k.hpp"

#include "support/catch.hpp"
#include "support/rows.hpp"

namespace shared_top_k_test {

using namespace moe;
using namespace moe::testing;
using Ranks = std::vector<ChoiceOrder>;

TEST_CASE("the shared expert is chosen first, whatever its index and its logit", "[policies]") {
  const std::vector<float> z = {1, 3, 2, -4};
  CHECK(choose(SharedTopK{.k = 2, .shared = 0}, z) == Ranks{1, 2, 0, 0});
  CHECK(choose(SharedTopK{.k = 2, .shared = 1}, z) == Ranks{0, 1, 2, 0});
  CHECK(choose(SharedTopK{.k = 2, .shared = 3}, z) == Ranks{0, 2, 0, 1});
  CHECK(choose(SharedTopK{.k = 3, .shared = 3}, z) == Ranks{0, 2, 3, 1});
}

TEST_CASE("k counts the shared expert", "[policies]") {
  const std::vector<float> z = {1, 3, 2};
  CHECK(choose(SharedTopK{.k = 1, .shared = 2}, z) == Ranks{0, 0, 1});
  CHECK(choose(SharedTopK{.k = 3, .shared = 2}, z) == Ranks{3, 2, 1});
  CHECK(choose(SharedTopK{.k = 8, .shared = 0}, z) == Ranks{1, 2, 3});
  CHECK(choose(SharedTopK{.k = 4, .shared = 0}, std::vector<float>{7}) == Ranks{1});
}

TEST_CASE("without a shared expert it equals TopK", "[policies]") {
  const std::vector<float> z = {1, 3, 2, -4};
  CHECK(choose(SharedTopK{.k = 2, .shared = SharedTopK::no_expert}, z) == Ranks{0, 1, 2, 0});
  CHECK(choose(SharedTopK{.k = 9, .shared = SharedTopK::no_expert}, z) == Ranks{3, 1, 2, 4});
}

TEST_CASE("after the shared expert the lower index wins among equals", "[policies]") {
  CHECK(choose(SharedTopK{.k = 2, .shared = 1}, std::vector<double>{5, 5, 5}) == Ranks{2, 1, 0});
}

}  // namespace shared_top_k_test
