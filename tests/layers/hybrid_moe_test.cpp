#include "moe/layers/hybrid_moe.hpp"

#include "support/conformance.hpp"
#include "support/gradient_check.hpp"

using namespace moe;
using namespace moe::testing;

TEMPLATE_TEST_CASE("HybridMoE answers as the reference does", "[layers][conformance]", float, double) {
  Corners corners;
  for_each_composition<HybridCompositions<TestType>>(
      [&]<class Layer>() { check_against_reference<Layer>("hybrid", corners); });
  CHECK(corners.no_rows > 0);
  CHECK(corners.one_row > 0);
  CHECK(corners.one_expert > 0);
  CHECK(corners.k_is_all > 0);
  CHECK(corners.ragged > 0);
  CHECK(corners.empty_sequence > 0);
  CHECK(corners.ties > 0);
  CHECK(corners.idle_expert > 0);
}

TEMPLATE_TEST_CASE("HybridMoE's gradients are those of central differences", "[layers][gradient]",
                   (MultiPlMoe<double, Cpu<>>), (MultiPlMoe<double, Cpu<>, NormalisedFusion>),
                   (CausalMultiPlMoe<double, Cpu<>>), (CausalMultiPlMoe<double, Cpu<>, NormalisedFusion>)) {
  auto layer = build<TestType>({.width = 5, .hidden = 6, .experts = 3, .k = 2, .shared = 1, .window = 3});
  const Batch batch = Batch::ragged({7, 0, 5});
  Tensor x_TD = draw_clear(layer, batch, Phase::training, gradient_margin);
  check_layer_gradients(layer, x_TD, batch, 1.3);
}

TEST_CASE("two levels of different widths make no layer", "[layers]") {
  CHECK_THROWS_WITH((HybridMoE(build<SharedRouted<double>>({.width = 5}), build<SegmentByOwnMean<double>>({.width = 4}),
                               FixedFusion{})),
                    "[HybridMoE] the token level reads 5 columns, the segment level 4");
}
