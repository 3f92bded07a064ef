#include "moe/routing/router/random_choice.hpp"

#include "support/catch.hpp"
#include "support/rows.hpp"

namespace random_choice_test {

using namespace moe;
using namespace moe::testing;

namespace {

std::vector<ChoiceOrder> drawn(const RandomChoice& router, Index experts, Index row_index, RandomKey key) {
  const std::vector<float> z(static_cast<std::size_t>(experts), 0.0f);
  std::vector<ChoiceOrder> chosen(z.size(), 99);
  router.choose(row(z), row(chosen), RandomRowContext<float>{{.row = row_index}, key});
  return chosen;
}

}  // namespace

TEST_CASE("each row draws k different experts, all with the same probability", "[policies]") {
  const Index experts = 6, rows = 6000;
  std::vector<int> load(6, 0), first(6, 0);
  for (Index r = 0; r < rows; ++r) {
    const auto chosen = drawn({.k = 2}, experts, r, {.seed = 1});
    CHECK(std::count(chosen.begin(), chosen.end(), 0) == 4);
    CHECK(std::count(chosen.begin(), chosen.end(), 1) == 1);
    CHECK(std::count(chosen.begin(), chosen.end(), 2) == 1);
    for (std::size_t e = 0; e < 6; ++e) load[e] += chosen[e] != 0, first[e] += chosen[e] == 1;
  }
  // 2000 and 1000 expected, with deviations of 37 and 29.
  for (std::size_t e = 0; e < 6; ++e) {
    CHECK(std::abs(load[e] - 2000) < 200);
    CHECK(std::abs(first[e] - 1000) < 150);
  }
}

TEST_CASE("the drawn experts depend on key and row alone", "[policies]") {
  CHECK(drawn({.k = 3}, 20, 4, {.seed = 1}) == drawn({.k = 3}, 20, 4, {.seed = 1}));
  CHECK(drawn({.k = 3}, 20, 4, {.seed = 1}) != drawn({.k = 3}, 20, 5, {.seed = 1}));
  CHECK(drawn({.k = 3}, 20, 4, {.seed = 1}) != drawn({.k = 3}, 20, 4, {.seed = 1, .step = 1}));
  CHECK(drawn({.k = 9}, 3, 0, {}).size() == 3);
  CHECK(RandomChoice{.k = 9}.choices(3) == 3);
}

}  // namespace random_choice_test
