#include "moe/layers/hybrid_moe.hpp"

#include "support/conformance.hpp"
#include "support/gradient_check.hpp"

namespace hybrid_moe_test {

using namespace moe;
using namespace moe::testing;

TEMPLATE_TEST_CASE("HybridMoE's outputs match the reference", "[layers][conformance]", float, double) {
  Corners corners;
  for (const auto& composition : any_compositions<TestType>().hybrid)
    check_against_reference<TestType>(composition, "hybrid", corners);
  CHECK(corners.no_rows > 0);
  CHECK(corners.one_row > 0);
  CHECK(corners.one_expert > 0);
  CHECK(corners.k_is_all > 0);
  CHECK(corners.ragged > 0);
  CHECK(corners.empty_sequence > 0);
  CHECK(corners.ties > 0);
  CHECK(corners.idle_expert > 0);
}

TEMPLATE_TEST_CASE("HybridMoE's gradients match central differences", "[layers][gradient]", (MultiPlMoe<double, Cpu<>>),
                   (MultiPlMoe<double, Cpu<>, NormalizedFusion>), (CausalMultiPlMoe<double, Cpu<>>),
                   (CausalMultiPlMoe<double, Cpu<>, NormalizedFusion>),
                   (CausalMultiPlMoe<double, Cpu<>, ScalarFusion<double, Cpu<>>>),
                   (HybridMoE<Dropping<double>, SegmentDropping<double>, NormalizedFusion>)) {
  auto layer = build<TestType>({.width = 5, .hidden = 6, .experts = 3, .k = 2, .shared = 1, .window = 3});
  const Batch batch = Batch::ragged({7, 0, 5});
  Tensor x_TD = draw_clear(layer, batch, testing::Phase::training, gradient_margin);
  check_layer_gradients(layer, x_TD, batch, 1.3);
}

TEST_CASE("two levels of different widths are refused", "[layers]") {
  CHECK_THROWS_WITH((HybridMoE(build<SharedRouted<double>>({.width = 5}), build<SegmentByOwnMean<double>>({.width = 4}),
                               FixedFusion{})),
                    "[HybridMoE] the token level reads 5 columns, the segment level 4");
}

namespace {

/// The results of one training step: output, input gradient, weight gradients.
struct Step {
  Tensor y_TD, d_x_TD;
  std::vector<double> weights;
};

/// The reference for the single pass: the levels run one after the other, and their outputs are scaled and added.
template <class Layer>
Step in_two_passes(const CpuContext& context, const Layer& layer, const Tensor& x_TD, const Tensor& c_TD,
                   const Batch& batch) {
  Layer gradient = gradient_for(layer);
  auto token = layer.token.forward(context, x_TD, batch);
  auto segment = layer.segment.forward(context, x_TD, batch);
  const auto mass_1T = layer.segment.mass_of_rows(context, segment.saved);
  const auto scale_T2 = layer.fusion.template scales<double, Cpu<>>(context, mass_1T.view());
  Step step;
  step.y_TD = scaled_sum<double, Cpu<>>(context, token.output.view(), segment.output.view(), scale_T2.view());
  const auto d_scale_T2 = scaled_sum_backward<double, Cpu<>>(context, c_TD.view(), token.output.view(),
                                                             segment.output.view(), scale_T2.view());
  const auto d_mass_1T = layer.fusion.template scales_backward<double, Cpu<>>(context, mass_1T.view(), scale_T2.view(),
                                                                              d_scale_T2.view(), gradient.fusion);
  step.d_x_TD = layer.segment.backward_with_mass(context, segment.output.const_view(), {}, std::move(segment.saved),
                                                 gradient.segment, d_mass_1T.view());
  add_to(
      context,
      layer.token.backward(context, token.output, {.balance = 0.3, .z = 0.2}, std::move(token.saved), gradient.token),
      step.d_x_TD.view());
  for_each_parameter(
      [&](const std::string&, const auto& d) {
        const auto values = values_of(d.view());
        step.weights.insert(step.weights.end(), values.begin(), values.end());
      },
      gradient);
  return step;
}

}  // namespace

TEMPLATE_TEST_CASE("one pass over both levels matches two passes", "[layers]", (CausalMultiPlMoe<double, Cpu<>>),
                   (CausalMultiPlMoe<double, Cpu<>, NormalizedFusion>),
                   (MultiPlMoe<double, Cpu<>, ScalarFusion<double, Cpu<>>>),
                   (HybridMoE<Dropping<double>, SegmentDropping<double>, NormalizedFusion>)) {
  STATIC_REQUIRE(TestType::runs_in_one_pass);
  const CpuContext context{.threads = 2};
  auto layer = build<TestType>({.width = 16, .hidden = 24, .experts = 4, .k = 2, .shared = 1, .window = 5});
  Draw draw("one pass");
  randomize(draw, layer, 0.5);
  const Batch batch = Batch::ragged({70, 0, 53});
  const auto x_TD = random_matrix<double, Cpu<>>(draw, 123, 16), c_TD = random_matrix<double, Cpu<>>(draw, 123, 16);
  TestType gradient = gradient_for(layer);
  auto run = layer.forward(context, x_TD, batch);
  const auto two = in_two_passes(context, layer, x_TD, c_TD, batch);
  CHECK(relative_deviation(values_of(two.y_TD), values_of(run.output)) < 1e-13);
  const auto d_x_TD = layer.backward(context, c_TD, {.balance = 0.3, .z = 0.2}, std::move(run.saved), gradient);
  CHECK(relative_deviation(values_of(two.d_x_TD), values_of(d_x_TD)) < 1e-13);
  std::vector<double> weights;
  for_each_parameter(
      [&](const std::string&, const auto& d) {
        const auto values = values_of(d.view());
        weights.insert(weights.end(), values.begin(), values.end());
      },
      gradient);
  CHECK(relative_deviation(two.weights, weights) < 1e-13);
}

TEST_CASE("HybridMoE takes ownership of a moved input, for both levels", "[layers]") {
  const CpuContext context;
  auto layer = build<CausalMultiPlMoe<double, Cpu<>>>({.width = 5, .hidden = 6, .experts = 3, .k = 2, .window = 3});
  Draw draw("owned by both");
  randomize(draw, layer);
  auto x_TD = random_matrix<double, Cpu<>>(draw, 12, 5);
  const Tensor c_TD = random_matrix<double, Cpu<>>(draw, 12, 5);
  auto borrowed = gradient_for(layer), owned = gradient_for(layer);
  const Tensor d_x_TD =
      layer.backward(context, c_TD, {}, layer.forward(context, x_TD, Batch::single(12)).saved, borrowed);
  const double* data = x_TD.data();
  auto run = layer.forward(context, std::move(x_TD), Batch::single(12));
  CHECK(run.saved.x_owned.data() == data);
  CHECK(same_bits(layer.backward(context, c_TD, {}, std::move(run.saved), owned), d_x_TD));
  for_each_tensor([](const auto& a, const auto& b) { CHECK(same_bits<double, Cpu<>>(a, b)); }, borrowed, owned);
}

}  // namespace hybrid_moe_test
