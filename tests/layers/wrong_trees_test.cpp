/// Gradients and optimizer states of other layers, and consumed `saved`: an error before anything is written.
#include "compiled_layers/compiled_layers.hpp"
#include "moe/runtime/any_layer.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/draw_adapters.hpp"
#include "moe/train/freeze.hpp"
#include "moe/train/split_into_adapters.hpp"
#include "support/catch.hpp"
#include "support/compositions.hpp"

namespace wrong_trees_test {

using namespace moe;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

namespace {

using Tensor = Matrix<double, Cpu<>>;
const CpuContext context{.threads = 2};
const Sizes sizes{.width = 5, .hidden = 4, .experts = 8, .k = 2, .window = 2};
const Batch batch = Batch::sequences(3, 2);

template <class Layer>
Layer make(const Sizes& s) {
  if constexpr (std::is_same_v<Layer, Mole<double, Cpu<>>>)
    return make_mole(SwiGlu<double, Cpu<>>(s.width, s.hidden),
                     {.languages = s.experts - 2, .language_rank = 1, .shared_rank = 2});
  else
    return build<Layer>(s);
}
template <class Layer>
Layer drawn(const Sizes& s) {
  Draw draw("wrong trees");
  Layer layer = make<Layer>(s);
  randomize(draw, layer);
  return layer;
}
Sizes with(Index experts, Index hidden, Index width) {
  Sizes other = sizes;
  other.experts = experts;
  other.hidden = hidden;
  other.width = width;
  return other;
}
template <class Real>
Mixtral<Real, Cpu<>> mixtral(Index experts, Index width, Index hidden) {
  return {TopK{.k = 2}, {}, {}, ExpertBank<SwiGlu<Real, Cpu<>>>(experts, width, hidden)};
}
/// Every value of a tree, one after the other.
template <class Tree>
std::vector<double> contents(const Tree& tree) {
  std::vector<double> all;
  for_each_tensor([&](const auto& tensor) { all.insert(all.end(), tensor.data(), tensor.data() + tensor.size()); },
                  tree);
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("a gradient of another layer is refused and nothing is written", "[layers][misuse]",
                   (Mixtral<double, Cpu<>>), (Qwen15Moe<double, Cpu<>>), SegmentByPreviousMean<double>,
                   SegmentLiteral<double>, (CausalMultiPlMoe<double, Cpu<>>),
                   (CausalMultiPlMoe<double, Cpu<>, ChannelFusion<double, Cpu<>>>), (Mole<double, Cpu<>>)) {
  const auto layer = drawn<TestType>(sizes);
  Draw draw("gradient of another");
  const auto x = random_matrix<double, Cpu<>>(draw, 6, 5);
  for (const Sizes& wrong : {with(4, 4, 5), with(9, 4, 5), with(8, 3, 5), with(8, 6, 5), with(8, 4, 7)}) {
    auto gradient = gradient_for(make<TestType>(wrong));
    const auto before = contents(gradient);
    auto run = layer.forward(context, x, batch);
    CHECK_THROWS_AS(layer.backward(context, x, {}, std::move(run.saved), gradient), Error);
    CHECK(contents(gradient) == before);
    // `saved` is not consumed either: backward succeeds with a right tree.
    auto right = gradient_for(layer), again = gradient_for(layer);
    const auto d_x = layer.backward(context, x, {}, std::move(run.saved), right);
    CHECK(same_bits(layer.backward(context, x, {}, layer.forward(context, x, batch).saved, again), d_x));
  }
}

TEST_CASE("the error of a wrong gradient names entry, rule and numbers", "[layers][misuse]") {
  using Layer = Mixtral<double, Cpu<>>;
  const auto layer = drawn<Layer>(sizes);
  const Tensor x(6, 5);
  const auto refuse = [&](const Layer& other) {
    auto gradient = gradient_for(other);
    layer.backward(context, x, {}, layer.forward(context, x, batch).saved, gradient);
  };
  CHECK_THROWS_WITH(refuse(make<Layer>(with(4, 4, 5))),
                    "[TokenMoE::backward] parameter trees must agree in the number of experts, got 8, 4");
  CHECK_THROWS_WITH(refuse(make<Layer>(with(8, 3, 5))),
                    "[TokenMoE::backward] a gradient's tensors must be empty or of the weight's shape, "
                    "got for experts.0.gate_proj.weight: 4 x 5, 3 x 5");
  auto gradient = gradient_for(layer);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(layer.backward(context, x, {.balance = nan}, layer.forward(context, x, batch).saved, gradient),
                    "[TokenMoE::backward] gradients of auxiliary losses must be finite, got nan and 0");
}

TEMPLATE_TEST_CASE("backward refuses a saved that was consumed before", "[layers][misuse]", (Mixtral<double, Cpu<>>),
                   (Qwen15Moe<double, Cpu<>>), SegmentByPreviousMean<double>, SegmentLiteral<double>,
                   (CausalMultiPlMoe<double, Cpu<>>), (CausalMultiPlMoe<double, Cpu<>, ChannelFusion<double, Cpu<>>>),
                   (HybridMoE<Qwen15Moe<double, Cpu<>>, SegmentByLine<double>, ScalarFusion<double, Cpu<>>>),
                   (Mole<double, Cpu<>>)) {
  const auto layer = drawn<TestType>(sizes);
  auto gradient = gradient_for(layer);
  for (const Index rows : {Index{6}, Index{0}}) {
    Draw draw("consumed");
    const auto x = random_matrix<double, Cpu<>>(draw, rows, 5);
    auto run = layer.forward(context, x, Batch::single(rows));
    layer.backward(context, x, {}, std::move(run.saved), gradient);
    const auto before = contents(gradient);
    CHECK_THROWS_WITH(layer.backward(context, x, {}, std::move(run.saved), gradient),
                      ContainsSubstring("`saved` must be what forward of this layer returned, not consumed yet"));
    typename TestType::Saved never{};
    CHECK_THROWS_AS(layer.backward(context, Tensor(0, 5), {}, std::move(never), gradient), Error);
    // `saved` of another layer of this type.
    const auto other = drawn<TestType>(with(9, 4, 5)), wide = drawn<TestType>(with(8, 6, 5));
    CHECK_THROWS_AS(layer.backward(context, x, {}, other.forward(context, x, Batch::single(rows)).saved, gradient),
                    Error);
    CHECK_THROWS_AS(layer.backward(context, x, {}, wide.forward(context, x, Batch::single(rows)).saved, gradient),
                    Error);
    CHECK(contents(gradient) == before);
  }
}

TEST_CASE("optimizer states of other weights or other frozen weights are refused", "[train][misuse]") {
  using Layer = Mixtral<float, Cpu<>>;
  Layer layer = mixtral<float>(8, 4, 6);
  const Layer other = mixtral<float>(4, 4, 6);
  const TrainByName freeze{.freeze = {"experts.0.*"}};
  Layer gradient = gradient_for(layer);
  const auto before = layer.routing.gate.weight.copy();
  for_each_tensor([](auto& slope) { std::fill_n(slope.data(), slope.size(), 1.0f); }, gradient);

  Layer few = gradient_for(other), frozen = gradient_for(layer, freeze);
  const auto step = [&](auto& slopes, auto& memory) { AdamW{}.step(context, 1e-3, 1, 1, layer, slopes, memory); };
  AdamWState whole(context, layer, gradient);
  CHECK_THROWS_WITH(step(few, whole), "[AdamW::step] parameter trees must agree in the number of experts, got 8, 4");
  for (const int missing : {0, 1}) {
    AdamWState half(context, layer, gradient);
    (missing == 0 ? half.tensors()[1].m : half.tensors()[1].v) = {};
    CHECK_THROWS_WITH(step(gradient, half),
                      "[AdamWState] a weight with a gradient must have both moments of its shape, and its lower bits "
                      "where it is split, got for experts.0.gate_proj.weight: 6 x 4, " +
                          std::string(missing == 0 ? "empty, 6 x 4" : "6 x 4, empty") + ", empty");
  }

  using Memory = AdamWState<Cpu<>, float, MasterWeights::split>;
  CHECK_THROWS_AS(Memory(context, layer, few), Error);
  Memory of_frozen(context, layer, frozen), of_other, never;
  Layer other_weights = mixtral<float>(4, 4, 6);
  of_other = Memory(context, other_weights, few);
  CHECK_THROWS_WITH(step(gradient, of_frozen),
                    "[AdamWState] a weight with a gradient must have both moments of its shape, and its lower bits "
                    "where it is split, got for experts.0.gate_proj.weight: 6 x 4, empty, empty, empty");
  Memory joined(context, layer, gradient);
  joined.tensors()[1].lower = {};
  CHECK_THROWS_AS(step(gradient, joined), Error);
  CHECK_THROWS_WITH(step(gradient, of_other),
                    "[AdamWState] the optimizer state must be of these weights, 25 tensors, got one of 13");
  CHECK_THROWS_WITH(step(gradient, never),
                    "[AdamWState] the optimizer state must be of these weights, 25 tensors, got one of 0");
  CHECK(same_bits(layer.routing.gate.weight, before));
  // Weights may be frozen later: their moments are kept.
  CHECK_NOTHROW(step(frozen, whole));
}

TEST_CASE("AdamW refuses invalid settings and leaves the weights unchanged", "[train][misuse]") {
  using Layer = Linear<double, Cpu<>>;
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  Layer layer = Layer::without_bias(1, 1), gradient = gradient_for(layer);
  AdamWState memory(context, layer, gradient);
  gradient.weight.data()[0] = 1;
  const auto step = [&](const AdamW& adamw, double rate, Index number, double scale) {
    adamw.step(context, rate, number, scale, layer, gradient, memory);
  };
  CHECK_THROWS_WITH(step({}, 1e-3, 0, 1), "[AdamW::step] steps count from 1, got 0");
  CHECK_THROWS_WITH(step({}, 1e-3, -5, 1), "[AdamW::step] steps count from 1, got -5");
  for (const double rate : {-1e-3, nan, inf})
    CHECK_THROWS_WITH(step({}, rate, 1, 1), StartsWith("[AdamW::step] the learning rate must be finite and not"));
  for (const double scale : {nan, inf})
    CHECK_THROWS_WITH(step({}, 1e-3, 1, scale), StartsWith("[AdamW::step] the gradient's scale must be finite"));
  for (const double beta : {1.0, -0.1, nan, 2.0}) {
    CHECK_THROWS_WITH(step({.beta_1 = beta}, 1e-3, 1, 1), StartsWith("[AdamW::step] betas must lie in [0, 1)"));
    CHECK_THROWS_WITH(step({.beta_2 = beta}, 1e-3, 1, 1), StartsWith("[AdamW::step] betas must lie in [0, 1)"));
  }
  for (const double amount : {-1e-8, nan, inf}) {
    CHECK_THROWS_WITH(step({.epsilon = amount}, 1e-3, 1, 1), StartsWith("[AdamW::step] epsilon and decay must be"));
    CHECK_THROWS_WITH(step({.decay = amount}, 1e-3, 1, 1), StartsWith("[AdamW::step] epsilon and decay must be"));
  }
  CHECK(layer.weight.data()[0] == 0);
  CHECK(memory.tensors()[0].m.data()[0] == 0);
  CHECK_NOTHROW(step({.beta_1 = 0, .beta_2 = 0, .epsilon = 1e-8, .decay = 0}, 0, 1, 0));
}

TEST_CASE("AnyLayer refuses gradients, saved, states and stats of other layers", "[runtime][misuse]") {
  using Any = AnyLayer<double, Cpu<>>;
  const auto multipl = [] { return Any(make<CausalMultiPlMoe<double, Cpu<>>>(sizes)); };
  const Any layer(mixtral<double>(8, 5, 4)), segments = multipl();
  const Tensor x(6, 5);
  Any gradient = gradient_for(layer), few = gradient_for(Any(mixtral<double>(4, 5, 4)));
  CHECK_THROWS_WITH(layer.backward(context, x, {}, layer.forward(context, x, batch).saved, few),
                    ContainsSubstring("must agree in the number of experts, got 8, 4"));
  CHECK_THROWS_WITH(layer.backward(context, x, {}, segments.forward(context, x, batch).saved, gradient),
                    "[AnyLayer] saved must be of a layer of this type, got another one's");
  auto run = layer.forward(context, x, batch);
  layer.backward(context, x, {}, std::move(run.saved), gradient);
  CHECK_THROWS_WITH(layer.backward(context, x, {}, std::move(run.saved), gradient),
                    "[AnyLayer::backward] `saved` must be what forward returned, got an empty one");

  auto state = layer.begin_decoding(context, 6), other = segments.begin_decoding(context, 6);
  CHECK_THROWS_WITH(segments.decode(context, x, {}, state),
                    "[AnyLayer] the decoding state must be of a layer of this type, got another one's");
  CHECK_THROWS_AS(layer.decode(context, x, {}, other), Error);
  Any::DecodingState none;
  CHECK_THROWS_WITH(layer.decode(context, x, {}, none),
                    "[AnyLayer::decode] the state must be one that begin_decoding made, got an empty one");
  CHECK_THROWS_AS(layer.prefill(context, x, batch, none), Error);
  CHECK_THROWS_AS(layer.set_languages({}, none), Error);
  CHECK_THROWS_AS(state.join(context, none), Error);
  CHECK_THROWS_AS(none.keep(context, {0}), Error);

  Any learner = multipl();
  CHECK_THROWS_WITH(learner.update_buffers(context, layer.forward(context, x, batch).stats),
                    "[AnyLayer] stats must be of a layer of this type, got another one's");
  CHECK_THROWS_AS(learner.update_buffers(context, {}), Error);
  // Both are AnyLayers, but their trees differ.
  const auto walk_with = [&](const Any& other_tree) {
    for_each_tensor([](const auto&, const auto&) {}, layer, other_tree);
  };
  CHECK_THROWS_AS(walk_with(segments), Error);
  CHECK_THROWS_AS(walk_with(few), Error);

  Any nothing;
  CHECK_THROWS_WITH(nothing.infer(context, x, batch), "[AnyLayer::infer] a layer must be held, got none");
  CHECK_THROWS_AS(nothing.forward(context, x, batch), Error);
  CHECK_THROWS_AS(nothing.backward(context, x, {}, {}, nothing), Error);
  CHECK_THROWS_AS(nothing.width(), Error);
  CHECK_THROWS_AS(nothing.begin_decoding(context, 1), Error);
  CHECK_THROWS_AS(nothing.update_buffers(context, {}), Error);
  CHECK_THROWS_AS(upcycle(context, SwiGlu<double, Cpu<>>(5, 4), nothing, {}), Error);
}

TEST_CASE("functions over several trees check them before they write", "[train][misuse]") {
  using Ffn = SwiGlu<double, Cpu<>>;
  Draw draw("several trees");
  Ffn dense(5, 4), wide(5, 6);
  randomize(draw, dense);
  CHECK_THROWS_AS(round_weights(context, dense, wide), Error);
  CHECK_THROWS_AS(copy_weights(dense, wide), Error);
  // Its first weight fits, but is not copied either.
  Ffn uneven(5, 4);
  uneven.down_proj = Tensor(5, 3);
  CHECK_THROWS_AS(copy_weights(dense, uneven), Error);
  CHECK(contents(uneven) == std::vector<double>(contents(uneven).size(), 0.0));

  auto layer = make<Mole<double, Cpu<>>>(sizes);
  auto gradient = gradient_for(layer, TrainByName{.train = {"*.lora_B.weight"}});
  CHECK_THROWS_WITH(draw_adapters(context, gradient, 1),
                    "[draw_adapters] an adapter must have at least as many rows as its rank, got 0 and 1");
  layer.router.languages = 100;
  CHECK_THROWS_AS(split_into_adapters(context, Ffn(5, 4), layer), Error);
  CHECK_THROWS_AS(layer.infer(context, Tensor(6, 5), batch), Error);
}

TEST_CASE("a pattern that matches no weight is refused, and the error lists existing names", "[train][misuse]") {
  const auto layer = mixtral<double>(2, 5, 4);
  CHECK_THROWS_WITH(
      gradient_for(layer, TrainByName{.freeze = {"gte.*"}}),
      "[TrainByName] every pattern must match a weight, \"gte.*\" matches none of 7, such as gate.weight, "
      "experts.0.down_proj.weight, experts.1.down_proj.weight");
  CHECK_THROWS_AS(gradient_for(layer, TrainByName{.train = {"gate.*", "expert.*"}}), Error);
  CHECK_THROWS_AS(accum_gradient_for(layer, TrainByName{.freeze = {"experts.2.*"}}), Error);
  CHECK_NOTHROW(gradient_for(layer, TrainByName{.freeze = {"gate.*"}}));
}

}  // namespace wrong_trees_test
