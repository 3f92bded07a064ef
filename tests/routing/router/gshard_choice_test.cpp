#include "moe/routing/router/gshard_choice.hpp"

#include <cmath>
#include <limits>

#include "moe/routing/router/router.hpp"
#include "support/catch.hpp"
#include "support/rows.hpp"

namespace gshard_choice_test {

using namespace moe;
using namespace moe::testing;

namespace {

std::vector<ChoiceOrder> drawn(const GShardChoice& router, const std::vector<double>& z, Index place) {
  std::vector<ChoiceOrder> chosen(z.size(), 99);
  router.choose(row(z), row(chosen), RandomRowContext<double>{{.row = place}, {.seed = 2}});
  return chosen;
}

}  // namespace

TEST_CASE("the best expert is always kept, further ones with a probability given by their share", "[policies]") {
  // Among the best three the shares are 5/8, 2/8 and 1/8.
  const std::vector<double> z = {std::log(2.0), -9, std::log(5.0), 0};
  int second = 0, third = 0;
  for (Index r = 0; r < 4000; ++r) {
    const auto chosen = drawn({.k = 3}, z, r);
    CHECK(chosen[2] == 1);
    CHECK(chosen[1] == 0);
    CHECK((chosen[0] == 0 || chosen[0] == 2));
    CHECK((chosen[3] == 0 || chosen[3] == 3));
    second += chosen[0] != 0, third += chosen[3] != 0;
  }
  // Probabilities 1/2 and 1/4, with deviations of 32 and 27.
  CHECK(std::abs(second - 2000) < 160);
  CHECK(std::abs(third - 1000) < 140);
}

TEST_CASE("draws() reports whether a router's settings need random numbers", "[policies]") {
  constexpr double no_bound = std::numeric_limits<double>::infinity();
  CHECK(draws(GShardChoice{}));
  CHECK(draws(GShardChoice{.k = 2, .keep = 1e300}));
  CHECK_FALSE(draws(GShardChoice{.k = 2, .keep = no_bound}));
  CHECK_FALSE(draws(GShardChoice{.k = 1}));
  // An infinite factor keeps also a choice whose share underflows to 0.
  CHECK(drawn({.k = 2, .keep = no_bound}, {0, 3000}, 5) == std::vector<ChoiceOrder>{2, 1});
}

TEST_CASE("with a large enough factor every choice is kept", "[policies]") {
  for (Index r = 0; r < 100; ++r)
    CHECK(drawn({.k = 2, .keep = 100}, {0, 3, 2}, r) == std::vector<ChoiceOrder>{0, 1, 2});
  CHECK(drawn({.k = 1}, {0, 3, 2}, 0) == std::vector<ChoiceOrder>{0, 1, 0});
  // The shares of the second and third choice are 0, and both are kept.
  for (const double keep : {GShardChoice::always, std::numeric_limits<double>::infinity()})
    CHECK(drawn({.k = 3, .keep = keep}, {-1e4, 3, -2e4}, 0) == std::vector<ChoiceOrder>{2, 1, 3});
}

}  // namespace gshard_choice_test
