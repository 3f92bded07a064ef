#include "moe/routing/normalizer/unit_gates.hpp"

#include "support/catch.hpp"
#include "support/normalizer_gradient.hpp"
#include "support/rows.hpp"

namespace unit_gates_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("every selected expert has gate 1", "[policies]") {
  CHECK(normalize(UnitGates{}, std::vector<double>{5, -1, 2}, {2, 0, 1}) == std::vector<double>{1, 0, 1});
}

TEST_CASE("UnitGates' gradient matches central differences", "[policies][gradient]") {
  check_normalizer_gradient(UnitGates{});
}

}  // namespace unit_gates_test
