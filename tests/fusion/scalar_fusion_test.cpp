#include "moe/fusion/scalar_fusion.hpp"

#include "fusion/gate_fusion_check.hpp"

namespace scalar_fusion_test {

using namespace moe;
using namespace moe::testing;

using Scalars = ScalarFusion<double, Cpu<>>;
static_assert(GateFusion<Scalars> && Fusion<Scalars> && Module<Scalars>);

TEST_CASE("ScalarFusion scales the levels by two learned numbers", "[modules][gradient]") {
  Scalars fusion(0.6, -0.2);
  const auto scale = check_gate_fusion(fusion);
  for (Index t = 0; t < scale.rows(); ++t) {
    CHECK(scale.view()(t, 0) == 0.6);
    CHECK(scale.view()(t, 1) == -0.2);
  }
}

}  // namespace scalar_fusion_test
