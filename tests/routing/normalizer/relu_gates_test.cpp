#include "moe/routing/normalizer/relu_gates.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/normalizer_gradient.hpp"
#include "support/rows.hpp"

namespace relu_gates_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("a gate is the logit, and 0 for a negative logit or an unselected expert", "[policies]") {
  CHECK(normalize(ReluGates{}, std::vector<double>{5, -1, 2, 3}, {2, 3, 1, 0}) == std::vector<double>{5, 0, 2, 0});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(normalize(ReluGates{}, std::vector<double>{nan}, {1})[0]));
}

TEST_CASE("ReluGates' gradient matches central differences", "[policies][gradient]") {
  check_normalizer_gradient(ReluGates{});
}

}  // namespace relu_gates_test
