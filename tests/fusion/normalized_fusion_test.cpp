#include "moe/fusion/normalized_fusion.hpp"

#include "fusion/gate_fusion_check.hpp"

namespace normalized_fusion_test {

using namespace moe;
using namespace moe::testing;

static_assert(GateFusion<NormalizedFusion> && Fusion<NormalizedFusion>);

TEST_CASE("NormalizedFusion divides both weights by token weight plus segment weight times mass",
          "[modules][gradient]") {
  NormalizedFusion fusion{.token = 0.6, .segment = 0.4};
  const auto scale = check_gate_fusion(fusion);
  const auto mass = masses();
  for (Index t = 0; t < scale.rows(); ++t) {
    CHECK(scale.view()(t, 0) == Catch::Approx(0.6 / (0.6 + 0.4 * mass.data()[t])).epsilon(1e-14));
    CHECK(scale.view()(t, 1) == Catch::Approx(0.4 / (0.6 + 0.4 * mass.data()[t])).epsilon(1e-14));
    // Token-level gates sum to 1 and segment-level gates to the mass, so identical expert outputs are returned
    // unchanged.
    CHECK(scale.view()(t, 0) + scale.view()(t, 1) * mass.data()[t] == Catch::Approx(1).epsilon(1e-14));
  }
}

}  // namespace normalized_fusion_test
