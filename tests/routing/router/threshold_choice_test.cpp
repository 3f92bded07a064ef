#include "moe/routing/router/threshold_choice.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/rows.hpp"

namespace threshold_choice_test {

using namespace moe;
using namespace moe::testing;

namespace {
std::vector<ChoiceOrder> choose_above(const std::vector<double>& z, const std::vector<double>& thresholds) {
  std::vector<ChoiceOrder> chosen(z.size(), 99);
  ThresholdChoice{}.choose(row(z), row(chosen), RowContext<double>{.buffer_E = row(thresholds)});
  return chosen;
}
}  // namespace

TEST_CASE("an expert takes a row whose score exceeds its threshold", "[policies]") {
  // Scores 1/2, 1/4, 1/4.
  const std::vector<double> z = {std::log(2.0), 0, 0};
  CHECK(choose_above(z, {0.4, 0.3, 0.2}) == std::vector<ChoiceOrder>{1, 0, 2});
  CHECK(choose_above(z, {0.6, 0.3, 0.3}) == std::vector<ChoiceOrder>{0, 0, 0});
  CHECK(choose_above(z, {0.1, 0.1, 0.1}) == std::vector<ChoiceOrder>{1, 2, 3});
}

TEST_CASE("a score that equals its threshold does not exceed it", "[policies]") {
  CHECK(choose_above({0, 0}, {0.5, 0.25}) == std::vector<ChoiceOrder>{0, 1});
}

TEST_CASE("a threshold is a moving average with coefficient beta", "[policies]") {
  CHECK(ThresholdChoice{.beta = 0.75}.updated(0.4, 0.8) == Catch::Approx(0.5).epsilon(1e-14));
  CHECK(ThresholdChoice{.beta = 0}.updated(0.4f, 0.8f) == 0.8f);
}

}  // namespace threshold_choice_test
