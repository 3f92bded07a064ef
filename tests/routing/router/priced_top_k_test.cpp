#include "moe/routing/router/priced_top_k.hpp"

#include <vector>

#include "support/catch.hpp"
#include "support/rows.hpp"

namespace priced_top_k_test {

using namespace moe;
using namespace moe::testing;

namespace {

std::vector<ChoiceOrder> chosen_by(const PricedTopK& router, const std::vector<double>& z,
                                   const std::vector<double>& prices) {
  std::vector<ChoiceOrder> chosen(z.size(), 99);
  router.choose(row(z), row(chosen), RowContext<double>{.buffer_E = row(prices)});
  return chosen;
}

}  // namespace

TEST_CASE("rows select experts by logit minus price", "[policies]") {
  const std::vector<double> z = {3, 2, 1, 0};
  CHECK(chosen_by({.k = 2}, z, {0.25, 0.25, 0.25, 0.25}) == std::vector<ChoiceOrder>{1, 2, 0, 0});
  CHECK(chosen_by({.k = 2}, z, {4, 0, 0, 0}) == std::vector<ChoiceOrder>{0, 1, 2, 0});
  CHECK(chosen_by({.k = 3}, z, {0, 0, 0, -5}) == std::vector<ChoiceOrder>{2, 3, 0, 1});
  CHECK(chosen_by({.k = 1}, z, {3, 2, 1, 0}) == std::vector<ChoiceOrder>{1, 0, 0, 0});
  CHECK(chosen_by({.k = 9}, {0, 1}, {0, 0}) == std::vector<ChoiceOrder>{2, 1});
  CHECK(PricedTopK{.k = 9}.choices(4) == 4);
}

TEST_CASE("a price is a moving average with coefficient beta", "[policies]") {
  CHECK(PricedTopK{.beta = 0.75}.updated(0.4, 0.8) == Catch::Approx(0.5).epsilon(1e-14));
  CHECK(PricedTopK{.beta = 0}.updated(0.4f, 0.8f) == 0.8f);
}

}  // namespace priced_top_k_test
