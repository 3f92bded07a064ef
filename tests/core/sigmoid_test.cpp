#include "moe/core/sigmoid.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"

namespace sigmoid_test {

using namespace moe;

TEMPLATE_TEST_CASE("the sigmoid reaches its limits 0 and 1 and propagates NaN", "[core]", float, double) {
  using Limits = std::numeric_limits<TestType>;
  CHECK(sigmoid(TestType(0)) == TestType(0.5));
  CHECK(sigmoid(TestType(2)) == Catch::Approx(1 / (1 + std::exp(-2.0))));
  CHECK(sigmoid(TestType(-2)) == Catch::Approx(1 / (1 + std::exp(2.0))));
  CHECK(sigmoid(Limits::infinity()) == 1);
  CHECK(sigmoid(-Limits::infinity()) == 0);
  CHECK(sigmoid(Limits::max()) == 1);
  CHECK(sigmoid(Limits::lowest()) == 0);
  CHECK(std::isnan(sigmoid(Limits::quiet_NaN())));
}

TEMPLATE_TEST_CASE("exp overflows just above largest_exponent, and the sigmoid is 0 only below its negative", "[core]",
                   float, double) {
  const TestType last = largest_exponent<TestType>,
                 next = std::nextafter(last, std::numeric_limits<TestType>::infinity());
  CHECK(std::isfinite(std::exp(last)));
  CHECK(std::isinf(std::exp(next)));
  CHECK(sigmoid(-last) > 0);
  CHECK(sigmoid(-next) == 0);
}

}  // namespace sigmoid_test
