#include "moe/fusion/fixed_fusion.hpp"

#include "fusion/gate_fusion_check.hpp"

namespace fixed_fusion_test {

using namespace moe;
using namespace moe::testing;

static_assert(GateFusion<FixedFusion> && Fusion<FixedFusion>);

TEST_CASE("FixedFusion scales the levels by two constants", "[modules][gradient]") {
  FixedFusion fusion{.token = 0.6, .segment = -0.2};
  const auto scale = check_gate_fusion(fusion);
  for (Index t = 0; t < scale.rows(); ++t) {
    CHECK(scale.view()(t, 0) == 0.6);
    CHECK(scale.view()(t, 1) == -0.2);
  }
}

TEST_CASE("FixedFusion's default weights are the released 0.7 and 0.3", "[modules][golden]") {
  CHECK(FixedFusion{}.token == 0.7);
  CHECK(FixedFusion{}.segment == 0.3);
}

}  // namespace fixed_fusion_test
