/// HybridMoE whose levels cannot run in one pass: fusions over outputs, experts that read segments, a shared path.
#include "moe/layers/two_passes.hpp"
#include "support/conformance.hpp"
#include "support/gradient_check.hpp"

namespace two_passes_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("HybridMoE's outputs in two passes match the reference", "[layers][conformance]") {
  Corners corners;
  for_each_composition<SeparateCompositions<double>>(
      []<class Layer>() { STATIC_REQUIRE_FALSE(Layer::runs_in_one_pass); });
  for (const auto& composition : any_compositions<double>().separate)
    check_against_reference<double>(composition, "hybrid in two passes", corners);
  CHECK(corners.no_rows > 0);
  CHECK(corners.ragged > 0);
}

TEMPLATE_TEST_CASE("HybridMoE's gradients in two passes match central differences", "[layers][gradient]",
                   (CausalMultiPlMoe<double, Cpu<>, ChannelFusion<double, Cpu<>>>),
                   (MultiPlMoeReleased<double, Cpu<>, MatrixFusion<double, Cpu<>>>), (MultiPlMoeLiteral<double, Cpu<>>),
                   (HybridMoE<SharedRouted<double>, SegmentPooledBefore<double>, NormalizedFusion>),
                   (HybridMoE<Qwen15Moe<double, Cpu<>>, SegmentByLine<double>, ScalarFusion<double, Cpu<>>>)) {
  auto layer = build<TestType>({.width = 5, .hidden = 6, .experts = 3, .k = 2, .shared = 1, .window = 3});
  const Batch batch = Batch::ragged({7, 0, 5});
  Tensor x_TD = draw_clear(layer, batch, testing::Phase::training, gradient_margin);
  check_layer_gradients(layer, x_TD, batch, 1.3);
}

}  // namespace two_passes_test
