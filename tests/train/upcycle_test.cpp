#include "moe/train/upcycle.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/mlp.hpp"
#include "moe/layers/presets.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace upcycle_test {

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
    randomize(draw, dense, 0.3);
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

TEST_CASE("an upcycled layer whose gates sum to 1 starts with the dense FFN's output", "[train]") {
  const Start start;
  CHECK(start.deviation(Mixtral<float, Cpu<>>(TopK{.k = 3}, {}, {}, Bank(12, 32, 48))) < 1e-5);
  CHECK(start.deviation(make_multipl<MultiPlMoe<float, Cpu<>, NormalizedFusion>>(small)) < 1e-5);
  CHECK(start.deviation(make_multipl<CausalMultiPlMoe<float, Cpu<>, NormalizedFusion>>(small)) < 1e-5);
}

TEST_CASE("an upcycled layer with the paper's fixed fusion starts with another output", "[train]") {
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
  CHECK_FALSE(same_bits(layer.token.routing.gate.weight, other.token.routing.gate.weight));
  CHECK_FALSE(same_bits(layer.token.routing.gate.weight, layer.segment.routing.gate.weight));
}

TEST_CASE("noise makes the new experts differ and leaves the shared one unchanged", "[train]") {
  const Start start;
  auto layer = make_multipl<CausalMultiPlMoe<float, Cpu<>>>(small);
  upcycle(start.context, start.dense, layer, {.seed = 3, .noise_deviation = 0.01});
  const auto& experts = layer.token.bank.experts;
  CHECK(same_bits(experts[0].up_proj, start.dense.up_proj));
  std::vector<double> noise;
  for (std::size_t e = 1; e < experts.size(); ++e) {
    const auto drawn = values_of(experts[e].up_proj), dense = values_of(start.dense.up_proj);
    for (std::size_t i = 0; i < dense.size(); ++i) noise.push_back(drawn[i] - dense[i]);
  }
  double squares = 0;
  for (const double value : noise) squares += value * value;
  CHECK(std::sqrt(squares / static_cast<double>(noise.size())) == Catch::Approx(0.01).epsilon(0.05));
  CHECK_FALSE(same_bits(experts[1].up_proj, experts[2].up_proj));
  CHECK_FALSE(same_bits(layer.segment.bank.experts[0].up_proj, start.dense.up_proj));
}

TEST_CASE("a share of the inner channels is reinitialized, the same in all three projections", "[train]") {
  const Start start;
  auto layer = make_multipl<CausalMultiPlMoe<float, Cpu<>>>(small);
  upcycle(start.context, start.dense, layer, {.seed = 3, .reinitialized = 0.25});
  CHECK(same_bits(layer.token.bank.experts[0].down_proj, start.dense.down_proj));
  std::vector<std::vector<Index>> drawn;
  for (std::size_t e = 1; e < 3; ++e) {
    const auto& expert = layer.token.bank.experts[e];
    drawn.emplace_back();
    for (Index f = 0; f < 48; ++f) {
      Index gate = 0, up = 0, down = 0;
      for (Index d = 0; d < 32; ++d) {
        gate += expert.gate_proj.view()(f, d) != start.dense.gate_proj.view()(f, d);
        up += expert.up_proj.view()(f, d) != start.dense.up_proj.view()(f, d);
        down += expert.down_proj.view()(d, f) != start.dense.down_proj.view()(d, f);
      }
      CHECK((gate == 0 || gate == 32));
      CHECK(up == gate);
      CHECK(down == gate);
      if (gate != 0) drawn.back().push_back(f);
    }
    CHECK(drawn.back().size() == 12);
  }
  CHECK(drawn[0] != drawn[1]);
  CHECK_THROWS_WITH(upcycle(start.context, start.dense, layer, {.reinitialized = 1.5}),
                    "[upcycle] the share of reinitialized channels must lie in [0, 1], got 1.5");
}

TEST_CASE("experts of any type are upcycled, and reinitialized channels include their biases", "[train]") {
  using X = Mlp<Gelu, float, Cpu<>, WithBiases>;
  const CpuContext context{.threads = 1};
  Draw draw("upcycle an MLP");
  X dense(32, 48);
  randomize(draw, dense, 0.3);
  Mixtral<float, Cpu<>, X> layer(TopK{.k = 2}, {}, {}, ExpertBank<X>(3, 32, 48));
  upcycle(context, dense, layer, {.seed = 3});
  const auto x_TD = random_matrix<float, Cpu<>>(draw, 20, 32);
  CHECK(relative_deviation(values_of(dense.infer(context, x_TD, Batch::single(20))),
                           values_of(layer.infer(context, x_TD, Batch::single(20)))) < 1e-5);

  upcycle(context, dense, layer, {.seed = 3, .reinitialized = 0.25});
  const X& expert = layer.bank.experts[1];
  CHECK(same_bits(expert.down_bias, dense.down_bias));
  Index drawn = 0;
  for (Index f = 0; f < 48; ++f) {
    const bool is_new = expert.up_bias.view()(0, f) != dense.up_bias.view()(0, f);
    drawn += is_new;
    for (Index d = 0; d < 32; ++d) {
      CHECK((expert.up_proj.view()(f, d) != dense.up_proj.view()(f, d)) == is_new);
      CHECK((expert.down_proj.view()(d, f) != dense.down_proj.view()(d, f)) == is_new);
    }
  }
  CHECK(drawn == 12);
}

TEST_CASE("copying between trees of different shapes is refused", "[train]") {
  SwiGlu<float, Cpu<>> narrow(32, 40);
  CHECK_THROWS_WITH(copy_weights(Start().dense, narrow),
                    "[copy_weights] tensors must have the same shape, got for gate_proj.weight: 48 x 32, 40 x 32");
}

}  // namespace upcycle_test
