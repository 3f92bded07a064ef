#include "moe/layers/presets.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/shape/shape.hpp"
#include "moe/train/upcycle.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/compositions.hpp"
#include "support/tolerance.hpp"

namespace presets_test {

using namespace moe;
using namespace moe::testing;

namespace {

template <class Layer>
Index count(const Layer& layer) {
  return count_parameters(layer, [](const std::string&) { return true; });
}

static_assert(MultiPlMoe<float, Cpu<>>::is_causal == false && MultiPlMoeLiteral<float, Cpu<>>::is_causal == false);
static_assert(CausalMultiPlMoe<float, Cpu<>>::is_causal && CausalMultiPlMoe<float, Cpu<>>::is_batch_invariant);
static_assert(Mixtral<float, Cpu<>>::is_causal && Qwen15Moe<float, Cpu<>>::is_causal);
static_assert(std::is_same_v<CausalMultiPlMoe<float, Cpu<>>::rebind<double>, CausalMultiPlMoe<double, Cpu<>>>);

}  // namespace

TEST_CASE("parameters of published layers are counted without memory", "[layers][golden]") {
  const Index width = 2048, ffn = 3 * 2048 * 5504;
  const auto paper = make_multipl<MultiPlMoe<float, Shape>>({});
  CHECK(count(paper) == 12 * ffn + 12 * width);
  CHECK(24 * count(paper) == 9739763712);
  // The causal form also learns the vector that routes first segments.
  CHECK(count(make_multipl<CausalMultiPlMoe<float, Shape>>({})) == count(paper) + width);

  const Mixtral<float, Shape> mixtral(TopK{.k = 2}, {}, {}, ExpertBank<SwiGlu<float, Shape>>(8, 2048, 5504));
  CHECK(count(mixtral) == 8 * ffn + 8 * width);

  const Qwen15Moe<float, Shape> qwen(TopK{.k = 4}, {}, {}, ExpertBank<SwiGlu<float, Shape>>(60, 2048, 1408),
                                     SharedExpert<SwiGlu<float, Shape>, SigmoidGate>(2048, 5632));
  CHECK(count(qwen) == 60 * 3 * 2048 * 1408 + 60 * 2048 + 3 * 2048 * 5632 + 2048);
}

TEST_CASE("make_multipl applies its settings", "[layers]") {
  const auto layer =
      make_multipl<CausalMultiPlMoe<float, Cpu<>, NormalizedFusion, BalanceOverRouted>>({.width = 4,
                                                                                         .hidden = 5,
                                                                                         .token_experts = 3,
                                                                                         .segment_experts = 2,
                                                                                         .k = 3,
                                                                                         .shared = 1,
                                                                                         .window = 7,
                                                                                         .capacity_factor = 1.5,
                                                                                         .token_weight = 0.6,
                                                                                         .segment_weight = 0.4,
                                                                                         .threshold_beta = 0.9});
  CHECK(layer.token.routing.router.k == 3);
  CHECK(layer.token.routing.router.shared == 1);
  CHECK(layer.token.routing.balance.shared == 1);
  CHECK(layer.token.bank.count() == 3);
  CHECK(layer.segment.bank.count() == 2);
  CHECK(layer.segment.routing.segmenter.window == 7);
  CHECK(layer.segment.routing.capacity.factor == 1.5);
  CHECK(layer.segment.routing.router.infer.beta == 0.9);
  CHECK(layer.fusion.token == 0.6);
  CHECK(layer.fusion.segment == 0.4);
  CHECK(layer.width() == 4);
}

TEST_CASE("the ablations of the paper's Table 2 and its expert ratios have the right parameter counts",
          "[layers][golden]") {
  const Index width = 2048, expert = 3 * 2048 * 5504 + width;
  CHECK(count(make_multipl<MultiPlWithoutSegments<float, Shape>>({})) == 6 * expert);
  CHECK(count(make_multipl<MultiPlWithoutShared<float, Shape>>({})) == 12 * expert + width);
  CHECK(count(make_multipl<MultiPlWithoutBoth<float, Shape>>({})) == 6 * expert);
  for (const auto& [token, segment] : {std::pair<Index, Index>{4, 4}, {8, 4}, {4, 8}, {6, 6}})
    CHECK(count(make_multipl<MultiPlMoe<float, Shape>>({.token_experts = token, .segment_experts = segment})) ==
          (token + segment) * expert);
  // Without a shared expert all token experts compete for all k choices.
  const auto layer = make_multipl<MultiPlWithoutShared<float, Shape>>({.k = 3});
  CHECK(layer.token.routing.router.k == 3);
  CHECK(count(make_multipl<MultiPlMoeReleased<float, Shape>>({})) == 12 * expert);
  CHECK(make_multipl<MultiPlMoeReleased<float, Shape>>({.cap = 2}).segment.routing.router.cap == 2);
  CHECK(count(make_multipl<MultiPlMoeLiteral<float, Shape, MatrixFusion<float, Shape>>>({})) ==
        12 * expert + 2 * width * width);
}

TEST_CASE("settings that fit no layer are refused", "[layers][misuse]") {
  using Layer = MultiPlMoe<float, Shape>;
  CHECK_THROWS_WITH(make_multipl<Layer>({.shared = 6}),
                    "[MultiPlMoe] the shared expert's index must lie in [0, 6), got 6");
  CHECK_THROWS_WITH(make_multipl<Layer>({.k = 7}), "[MultiPlMoe] k must lie in [1, 6], got 7");
  CHECK_THROWS_WITH(make_multipl<Layer>({.window = 0}), "[MultiPlMoe] the window must have at least 1 row, got 0");
}

TEST_CASE("parameters and buffers of the paper's layer have the expected names", "[layers]") {
  const auto layer = make_multipl<CausalMultiPlMoe<float, Shape>>({.token_experts = 2, .segment_experts = 1});
  std::vector<std::string> weights, buffers;
  for_each_parameter([&](const std::string& name, const auto&) { weights.push_back(name); }, layer);
  for_each_buffer([&](const std::string& name, const auto&) { buffers.push_back(name); }, layer);
  CHECK(weights == std::vector<std::string>{"token.gate.weight", "token.experts.0.gate_proj.weight",
                                            "token.experts.0.up_proj.weight", "token.experts.0.down_proj.weight",
                                            "token.experts.1.gate_proj.weight", "token.experts.1.up_proj.weight",
                                            "token.experts.1.down_proj.weight", "segment.gate.weight",
                                            "segment.first_segment", "segment.experts.0.gate_proj.weight",
                                            "segment.experts.0.up_proj.weight", "segment.experts.0.down_proj.weight"});
  CHECK(buffers == std::vector<std::string>{"segment.thresholds", "segment.threshold_updates"});
}

namespace {

/// Deviation of an upcycled layer's output from its dense FFN's, the larger of training and inference.
template <class Layer>
double distance_from_dense() {
  const CpuContext context{.threads = 1};
  Draw draw("upcycled");
  SwiGlu<float, Cpu<>> dense(12, 20);
  randomize(draw, dense, 0.5);
  auto layer = build<Layer>({.width = 12, .hidden = 20, .experts = 4, .k = 2, .window = 5});
  upcycle(context, dense, layer, {.seed = seed(), .router_deviation = 0.5});
  const Batch batch = Batch::ragged({23, 17});
  const auto x = random_matrix<float, Cpu<>>(draw, 40, 12);
  auto run = layer.forward(context, x, batch);
  layer.update_buffers(context, run.stats);
  const auto expected = values_of(dense.infer(context, x, batch));
  return std::max(relative_deviation(expected, values_of(run.output)),
                  relative_deviation(expected, values_of(layer.infer(context, x, batch))));
}

}  // namespace

TEST_CASE("an upcycled preset whose gates sum to 1 starts with the dense FFN's output", "[layers][upcycled]") {
  CHECK(distance_from_dense<Mixtral<float, Cpu<>>>() <= 1e-5);
  CHECK(distance_from_dense<MultiPlMoe<float, Cpu<>, NormalizedFusion>>() <= 1e-5);
  CHECK(distance_from_dense<CausalMultiPlMoe<float, Cpu<>, NormalizedFusion>>() <= 1e-5);
}

TEST_CASE("an upcycled preset with the released fusion or raw gates starts with another output", "[layers][upcycled]") {
  CHECK(distance_from_dense<MultiPlMoe<float, Cpu<>, FixedFusion>>() > 0.05);
  CHECK(distance_from_dense<TokenMoE<TopK, SoftmaxOverAll, Unlimited, Ffn<float>>>() > 0.05);
}

}  // namespace presets_test
