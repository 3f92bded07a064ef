#include <cstring>
#include <numeric>

#include "bench/layers/hybrid_stages.hpp"
#include "bench/layers/segment_stages.hpp"
#include "bench/layers/token_stages.hpp"
#include "moe/layers/presets.hpp"
#include "moe/policies/capacity/capacity_factor.hpp"
#include "support/catch.hpp"

using namespace moe_bench;

namespace {

const Context context;
const Shape shape = *parse_shape("48x16x24x4x2");
const moe::Batch batch = batch_of(shape);
constexpr Index window = 4;
using LearnedScalars = moe::ScalarFusion<float, Cpu>;
constexpr moe::AuxiliaryGradient d_stats{.balance = 0.3, .z = 0.2};

bool same_bits(ConstView a, ConstView b) {
  if (a.rows != b.rows || a.cols != b.cols) return false;
  return std::memcmp(a.data, b.data, static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}

/// Whether the stages answer as the layer does, bit for bit, in all that forward, backward and infer give.
template <class Layer>
void check_stages(Layer layer) {
  fill_weights(context, layer);
  const Tensor x_TD = uniform_tensor(context, shape.rows, shape.width, 1),
               d_y_TD = uniform_tensor(context, shape.rows, shape.width, 2);
  Stopwatch watch;

  auto run = layer.forward(context, x_TD, batch);
  auto [y_TD, saved] = staged_forward(layer, context, x_TD, batch, watch);
  REQUIRE(y_TD.size() == shape.rows * shape.width);
  CHECK(same_bits(y_TD, run.output));

  layer.absorb(context, run.stats);
  CHECK(same_bits(staged_infer(layer, context, x_TD, batch, watch), layer.infer(context, x_TD, batch)));

  Layer gradient = moe::gradient_for(layer), staged_gradient = moe::gradient_for(layer);
  const Tensor d_x_TD = layer.backward(context, d_y_TD, d_stats, std::move(run.saved), gradient);
  CHECK(same_bits(staged_backward(layer, context, d_y_TD, d_stats, std::move(saved), staged_gradient, watch), d_x_TD));
  int weights = 0;
  moe::for_each_parameter(
      [&](const std::string& name, const auto& whole, const auto& staged) {
        INFO(name);
        CHECK(same_bits(whole, staged));
        ++weights;
      },
      gradient, staged_gradient);
  CHECK(weights > 3 * shape.experts);
}

}  // namespace

TEST_CASE("the stages of TokenMoE are the layer", "[bench]") {
  using Layer = moe::Mixtral<float, Cpu>;
  check_stages(Layer(moe::TopK{.k = 2}, {}, {}, moe::ExpertBank<Expert>(shape.experts, shape.width, shape.hidden)));
}

TEST_CASE("the stages of a TokenMoE that drops rows are the layer", "[bench]") {
  using Layer = moe::TokenMoE<moe::TopK, moe::SoftmaxOverChosen, moe::CapacityFactor, Expert>;
  Layer layer(moe::TopK{.k = 2}, {}, {.factor = 0.75},
              moe::ExpertBank<Expert>(shape.experts, shape.width, shape.hidden));
  fill_weights(context, layer);
  const Tensor x_TD = uniform_tensor(context, shape.rows, shape.width, 1);
  const auto dropped = layer.forward(context, x_TD, batch).stats.dropped;
  REQUIRE(std::accumulate(dropped.begin(), dropped.end(), Index{0}) > 0);
  check_stages(std::move(layer));
}

TEST_CASE("the stages of SegmentMoE are the layer", "[bench]") {
  using Layer = decltype(moe::CausalMultiPlMoe<float, Cpu>::segment);
  check_stages(Layer({.window = window}, moe::PreviousMean<float, Cpu>(shape.width), {}, {}, {.factor = 1},
                     moe::ExpertBank<Expert>(shape.experts, shape.width, shape.hidden)));
}

TEMPLATE_TEST_CASE("the stages of HybridMoE are the layer", "[bench]", moe::FixedFusion, LearnedScalars,
                   moe::NormalisedFusion) {
  check_stages(moe::make_multipl<moe::CausalMultiPlMoe<float, Cpu, TestType>>({.width = shape.width,
                                                                               .hidden = shape.hidden,
                                                                               .token_experts = shape.experts,
                                                                               .segment_experts = shape.experts,
                                                                               .window = window}));
}
