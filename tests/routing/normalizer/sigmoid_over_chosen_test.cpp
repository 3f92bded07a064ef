#include "moe/routing/normalizer/sigmoid_over_chosen.hpp"

#include "support/catch.hpp"
#include "support/normalizer_gradient.hpp"
#include "support/rows.hpp"

namespace sigmoid_over_chosen_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("sigmoid gates are normalized to sum to the scale, or are the sigmoids times the scale", "[policies]") {
  // Sigmoids 1/2, 3/4, 1/4.
  const std::vector<double> z = {0, std::log(3.0), -std::log(3.0)};
  const auto sums = normalize(SigmoidOverChosen{.scale = 2}, z, {1, 2, 0});
  CHECK(sums[0] == Catch::Approx(0.8).epsilon(1e-14));
  CHECK(sums[1] == Catch::Approx(1.2).epsilon(1e-14));
  CHECK(sums[2] == 0);
  const auto raw = normalize(SigmoidOverChosen{.scale = 2, .sums_to_scale = false}, z, {1, 0, 1});
  CHECK(raw[0] == Catch::Approx(1).epsilon(1e-14));
  CHECK(raw[1] == 0);
  CHECK(raw[2] == Catch::Approx(0.5).epsilon(1e-14));
}

TEST_CASE("gates are 0 if all sigmoids underflow, and for rows without an expert", "[policies]") {
  CHECK(normalize(SigmoidOverChosen{}, std::vector<float>{-200, -200}, {1, 2}) == std::vector<float>{0, 0});
  CHECK(normalize(SigmoidOverChosen{}, std::vector<float>{3, 1}, {0, 0}) == std::vector<float>{0, 0});
}

TEST_CASE("SigmoidOverChosen's gradient matches central differences", "[policies][gradient]") {
  check_normalizer_gradient(SigmoidOverChosen{});
  check_normalizer_gradient(SigmoidOverChosen{.scale = 2.5});
  check_normalizer_gradient(SigmoidOverChosen{.scale = 1.5, .sums_to_scale = false});
}

}  // namespace sigmoid_over_chosen_test
