#include "moe/train/upcycle.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

struct Start {
  CpuContext context{.threads = 1};
  SwiGlu<float, Cpu<>> dense{32, 48};
  Matrix<float, Cpu<>> x_TD, y_TD;
  Batch batch = Batch::ragged({37, 0, 25});

  Start() {
    Draw draw("upcycle");
    randomise(draw, dense, 0.3);
    x_TD = random_matrix<float, Cpu<>>(draw, 62, 32);
    y_TD = dense.infer(context, x_TD, batch);
  }
  template <class Layer>
  double deviation(Layer layer) const {
    upcycle(context, dense, layer, {.seed = 3});
    const auto run = layer.forward(context, x_TD, batch);
    CHECK(relative_deviation(values_of(run.output), values_of(layer.infer(context, x_TD, batch))) < 1.0);
    return relative_deviation(values_of(y_TD), values_of(run.output));
  }
};

constexpr MultiPlSettings small{.width = 32, .hidden = 48, .window = 8};
using Bank = ExpertBank<SwiGlu<float, Cpu<>>>;

}  // namespace

TEST_CASE("an upcycled layer whose gates sum to 1 starts as the dense one", "[train]") {
  const Start start;
  CHECK(start.deviation(Mixtral<float, Cpu<>>(TopK{.k = 3}, {}, {}, Bank(12, 32, 48))) < 1e-5);
  CHECK(start.deviation(make_multipl<MultiPlMoe<float, Cpu<>, NormalisedFusion>>(small)) < 1e-5);
  CHECK(start.deviation(make_multipl<CausalMultiPlMoe<float, Cpu<>, NormalisedFusion>>(small)) < 1e-5);
}

TEST_CASE("with the paper's fixed fusion it does not", "[train]") {
  const Start start;
  CHECK(start.deviation(make_multipl<MultiPlMoe<float, Cpu<>, FixedFusion>>(small)) > 0.05);
}

TEST_CASE("experts are exact copies and routers are drawn by seed and name", "[train]") {
  const Start start;
  auto layer = make_multipl<MultiPlMoe<float, Cpu<>>>(small);
  upcycle(start.context, start.dense, layer, {.seed = 3}, "model.layers.0.mlp.");
  for (const auto& expert : layer.segment.bank.experts) CHECK(same_bits(expert.up_proj, start.dense.up_proj));
  for (const auto& expert : layer.token.bank.experts) CHECK(same_bits(expert.down_proj, start.dense.down_proj));
  auto other = make_multipl<MultiPlMoe<float, Cpu<>>>(small);
  upcycle(start.context, start.dense, other, {.seed = 3}, "model.layers.1.mlp.");
  CHECK_FALSE(same_bits(layer.token.gating.gate.weight, other.token.gating.gate.weight));
  CHECK_FALSE(same_bits(layer.token.gating.gate.weight, layer.segment.gating.gate.weight));
}

TEST_CASE("copying between trees of other shapes is refused", "[train]") {
  SwiGlu<float, Cpu<>> narrow(32, 40);
  CHECK_THROWS_WITH(copy_weights(Start().dense, narrow),
                    "[copy_weights] gate_proj.weight is 48 x 32 here and 40 x 32 there");
}
