#include "moe/runtime/any_layer.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/clip.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/tolerance.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Any = AnyLayer<double, B>;
const CpuContext context{.threads = 2};
constexpr MultiPlSettings small{
    .width = 6, .hidden = 5, .token_experts = 3, .segment_experts = 3, .k = 2, .shared = 1, .window = 4};

/// A layer that looks ahead, one that does not, and one without segments.
Any looking_ahead() { return Any(make_multipl<MultiPlMoe<double, B>>(small)); }
Any causal() { return Any(make_multipl<CausalMultiPlMoe<double, B, NormalisedFusion>>(small)); }
Any mixtral() { return Any(Mixtral<double, B>(TopK{.k = 2}, {}, {}, ExpertBank<SwiGlu<double, B>>(3, 6, 5))); }

}  // namespace

TEST_CASE("a layer of any type tells what it is and gives itself back", "[runtime]") {
  Any layer = causal();
  CHECK(layer.width() == 6);
  CHECK(layer.is_causal());
  CHECK_FALSE(looking_ahead().is_causal());
  REQUIRE(layer.as<CausalMultiPlMoe<double, B, NormalisedFusion>>() != nullptr);
  CHECK(layer.as<SwiGlu<double, B>>() == nullptr);
}

TEST_CASE("a layer of any type trains, upcycles and decodes as its type does", "[runtime]") {
  Draw draw("any layer");
  SwiGlu<double, B> dense(6, 5);
  randomise(draw, dense);
  Any layer = causal();
  upcycle(context, dense, layer, {.seed = 3});
  const auto x_TD = random_matrix<double, B>(draw, 13, 6);
  auto run = layer.forward(context, x_TD, Batch::ragged({8, 5}));
  CHECK(relative_deviation(values_of(dense.infer(context, x_TD, Batch::ragged({8, 5}))), values_of(run.output)) <
        1e-12);
  layer.absorb(context, run.stats);

  Any gradient = gradient_for(layer), m = gradient_for(layer), v = gradient_for(layer);
  layer.backward(context, x_TD, {}, std::move(run.saved), gradient);
  CHECK(global_norm(context, gradient) > 0);
  AdamW{}.step(context, 1e-3, 1, 1, layer, gradient, m, v);
  CHECK(relative_deviation(values_of(run.output), values_of(layer.infer(context, x_TD, Batch::ragged({8, 5})))) > 1e-6);

  const auto whole = layer.infer(context, x_TD, Batch::ragged({8, 5}));
  auto state = layer.begin_decoding(context, 1);
  for (Index t = 0; t < 8; ++t) {
    const auto y = layer.decode(context, x_TD.view().rows_between(t, t + 1), {}, state);
    CHECK(relative_deviation(values_of(whole.view().rows_between(t, t + 1)), values_of(y)) < 1e-12);
  }
}

TEST_CASE("what a layer of any type cannot do, it says", "[runtime][misuse]") {
  Any layer = looking_ahead(), other = mixtral(), dense(SwiGlu<double, B>(6, 5));
  CHECK_THROWS_WITH(layer.begin_decoding(context, 1),
                    "[AnyLayer::begin_decoding] the layer is not causal: it cannot go row by row");
  const Tensor x_TD(13, 6);
  auto run = layer.forward(context, x_TD, Batch::ragged({8, 5}));
  CHECK_THROWS_WITH(layer.backward(context, x_TD, {}, std::move(run.saved), other),
                    "[AnyLayer::backward] the gradient must hold a layer of the same type");
  CHECK_THROWS_WITH(upcycle(context, SwiGlu<double, B>(6, 5), dense, {}), "[upcycle] a dense layer has no experts");
}
