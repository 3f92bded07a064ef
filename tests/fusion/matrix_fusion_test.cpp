#include "moe/fusion/matrix_fusion.hpp"

#include "fusion/output_fusion_check.hpp"

namespace matrix_fusion_test {

using namespace moe;
using namespace moe::testing;

using Fused = MatrixFusion<double, Cpu<>>;
static_assert(OutputFusion<Fused> && !GateFusion<Fused> && Fusion<Fused> && Module<Fused>);

TEST_CASE("MatrixFusion starts as two constants, and its gradients match central differences", "[modules][gradient]") {
  Fused fusion(3, 0.6, -0.2);
  const Outputs in;
  const auto y = in.fused(fusion);
  for (Index i = 0; i < y.size(); ++i)
    CHECK(y.data()[i] ==
          Catch::Approx(0.6 * in.token.data()[i] - 0.2 * in.segment.data()[i]).epsilon(1e-13).margin(1e-14));
  Draw draw("weights of a fusion");
  randomize(draw, fusion);
  check_output_fusion(fusion);
}

}  // namespace matrix_fusion_test
