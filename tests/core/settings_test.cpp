#include "moe/core/settings.hpp"

#include <limits>

#include "compiled_layers/compiled_layers.hpp"
#include "moe/routing/router/priced_top_k.hpp"
#include "moe/routing/router/quantile_choice.hpp"
#include "moe/routing/router/random_choice.hpp"
#include "support/catch.hpp"
#include "support/compositions.hpp"

namespace settings_test {

using namespace moe;
using namespace moe::testing;
using Catch::Matchers::StartsWith;

namespace {

constexpr Index experts = 6;
const double not_a_number = std::numeric_limits<double>::quiet_NaN(),
             infinity = std::numeric_limits<double>::infinity();
const CpuContext context;

/// The error message for a policy's settings; empty where they are valid.
template <class P>
std::string refusal(const P& policy, Index size = experts) {
  try {
    require_settings(policy, size);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}
/// A policy with another k.
template <class P>
P with_k(Index k) {
  P policy;
  policy.k = k;
  return policy;
}

}  // namespace

TEMPLATE_TEST_CASE("k must lie between 1 and the number of experts", "[policies][misuse]", TopK, SharedTopK,
                   RandomChoice, HashChoice, QuantileChoice, SinkhornChoice, PricedTopK, GShardChoice, BiasedTopK,
                   GroupLimitedTopK, GateSparsity) {
  for (const Index k : {Index{0}, Index{-1}, experts + 1, std::numeric_limits<Index>::min()})
    CHECK(refusal(with_k<TestType>(k)).ends_with("] k must lie in [1, 6], got " + std::to_string(k)));
  for (const Index k : {Index{1}, Index{2}, experts}) CHECK(refusal(with_k<TestType>(k)).empty());
}

TEST_CASE("routers refuse invalid settings", "[policies][misuse]") {
  CHECK(refusal(SharedTopK{.k = 2, .shared = 6}) == "[SharedTopK] the shared expert's index must lie in [0, 6), got 6");
  CHECK(refusal(SharedTopK{.k = 2, .shared = -2}) ==
        "[SharedTopK] the shared expert's index must lie in [0, 6), got -2");
  CHECK(refusal(SharedTopK{.k = 2, .shared = SharedTopK::no_expert}).empty());

  CHECK(refusal(BiasedTopK{.k = 3, .groups = 3, .kept_groups = 1}) == "[BiasedTopK] k must lie in [1, 2], got 3");
  CHECK(refusal(BiasedTopK{.k = 2, .rate = not_a_number}) ==
        "[BiasedTopK] the rate must be finite and not negative, got nan");
  CHECK(refusal(BiasedTopK{.k = 2, .rate = -1}) == "[BiasedTopK] the rate must be finite and not negative, got -1");
  CHECK(refusal(GroupLimitedTopK{.k = 2, .groups = 4}) ==
        "[GroupLimitedTopK] groups must divide the experts, got 4 and 6");
  CHECK(refusal(GroupLimitedTopK{.k = 5, .groups = 3, .kept_groups = 2}) ==
        "[GroupLimitedTopK] k must lie in [1, 4], got 5");

  CHECK(refusal(GShardChoice{.keep = -1}) == "[GShardChoice] keep must not be negative, got -1");
  CHECK(refusal(GShardChoice{.keep = not_a_number}) == "[GShardChoice] keep must not be negative, got nan");
  CHECK(refusal(GShardChoice{.keep = GShardChoice::always}).empty());
  for (const double jitter : {-0.1, 1.0, not_a_number})
    CHECK_THAT(refusal(Jittered<TopK>{{.k = 1}, jitter}), StartsWith("[Jittered] the jitter must lie in [0, 1), got "));
  CHECK(refusal(Jittered<TopK>{{.k = 7}, 0.1}) == "[TopK] k must lie in [1, 6], got 7");

  CHECK(refusal(QuantileChoice{.rounds = -1}) == "[QuantileChoice] the number of rounds must not be negative, got -1");
  CHECK(refusal(SinkhornChoice{.rounds = -3}) == "[SinkhornChoice] the number of rounds must not be negative, got -3");
  for (const double beta : {-0.5, 1.5, not_a_number}) {
    CHECK_THAT(refusal(ThresholdChoice{beta}), StartsWith("[ThresholdChoice] beta must lie in [0, 1], got "));
    CHECK_THAT(refusal(PricedTopK{.beta = beta}), StartsWith("[ThresholdChoice] beta must lie in [0, 1], got "));
  }
  for (const double beta : {0.0, 1.0}) CHECK(refusal(ThresholdChoice{beta}).empty());

  CHECK(refusal(LanguageChoice{.languages = 8}, 4) ==
        "[LanguageChoice] there must be an expert for each of 8 languages, a shared one and one for other rows, got 4");
  CHECK_FALSE(refusal(LanguageChoice{.languages = -2}, 0).empty());
  CHECK(refusal(LanguageChoice{.languages = 4}).empty());
  CHECK(refusal(CappedExpertChoice{.cap = 0}) ==
        "[CappedExpertChoice] the cap must be at least 1 expert per row, got 0");
  CHECK(refusal(CappedExpertChoice{.cap = 100}).empty());
  for (const double step : {0.0, -1.0, not_a_number, infinity})
    CHECK_THAT(refusal(BalancedAssignment{.step = step}),
               StartsWith("[BalancedAssignment] the step must be finite and above 0, got "));
  CHECK_FALSE(refusal(BalancedAssignment{.most_rounds = -1}).empty());
}

TEST_CASE("capacities, normalizers and balances refuse invalid settings", "[policies][misuse]") {
  CHECK(refusal(CapacityFactor{.factor = -1}) == "[CapacityFactor] the factor must not be negative, got -1");
  CHECK(refusal(CapacityFactor{.factor = not_a_number}) == "[CapacityFactor] the factor must not be negative, got nan");
  CHECK(refusal(CapacityFactor{.minimum = -1}) == "[CapacityFactor] the minimum must not be negative, got -1");
  CHECK(refusal(CapacityFactor{.factor = infinity}).empty());
  for (const double factor : {0.0, -1.0, not_a_number})
    CHECK_THAT(refusal(SegmentCapacity{.factor = factor}),
               StartsWith("[SegmentCapacity] the factor must be above 0, got "));
  CHECK(refusal(SegmentCapacity{.factor = infinity}).empty());
  for (const double scale : {0.0, -1.0, not_a_number, infinity}) {
    CHECK_THAT(refusal(SoftmaxOverAll{scale}), StartsWith("[SoftmaxOverAll] the scale must be finite and above 0"));
    CHECK_THAT(refusal(SigmoidOverChosen{scale}), StartsWith("[SigmoidOverChosen] the scale must be finite and above"));
  }
  CHECK(refusal(GateSparsity{.first_weight = -1}) ==
        "[GateSparsity] the weight must be finite and not negative, got -1");
  CHECK(refusal(GateSparsity{.pace = 0.5}) == "[GateSparsity] the pace must be finite and at least 1, got 0.5");
  CHECK(refusal(GateSparsity{.pace = infinity}) == "[GateSparsity] the pace must be finite and at least 1, got inf");
  // Policies without a rule, and the index of no expert: the balance loss then excludes none.
  CHECK(refusal(Unlimited{}).empty());
  CHECK(refusal(BalanceOverRouted{.shared = -1}).empty());
}

TEST_CASE("segmenters, sources, fusions and shared paths refuse settings that do not fit the rows",
          "[policies][misuse]") {
  CHECK(refusal(FixedWindow{.window = 0}) == "[FixedWindow] a window must have at least 1 row, got 0");
  CHECK(refusal(BoundaryWindow{.minimum = 0}) ==
        "[BoundaryWindow] a window must have at least 1 row, got a minimum of 0 and a maximum of 128");
  CHECK_FALSE(refusal(BoundaryWindow{.maximum = -4}).empty());
  CHECK(refusal(BoundaryWindow{.boundary = -1}) == "[BoundaryWindow] the boundary must be a token id, got -1");
  CHECK(refusal(BoundaryWindow{.minimum = 16, .maximum = 4}).empty());

  using B = Cpu<>;
  CHECK(refusal(PreviousMean<float, B>(4)) == "[PreviousSegment] the first segment's vector must have 6 values, got 4");
  CHECK(refusal(OwnMean<float, B>(4)).empty());
  CHECK(refusal(FixedFusion{not_a_number, 1}) == "[FixedFusion] both weights must be finite, got nan and 1");
  for (const NormalizedFusion& wrong : {NormalizedFusion{0, 1}, {1, -1}, {not_a_number, 1}, {1, infinity}})
    CHECK_THAT(refusal(wrong), StartsWith("[NormalizedFusion] the token level's weight must be above 0"));
  CHECK(refusal(ScalarFusion<float, B>()) == "[ScalarFusion] there must be 2 weights, got 0");
  CHECK(refusal(ChannelFusion<float, B>(4, 1, 1)) ==
        "[ChannelFusion] each level must have a weight for each of 6 channels, got 4 and 4");
  CHECK(refusal(MatrixFusion<float, B>(4, 1, 1)) == "[MatrixFusion] both matrices must be 6 x 6, got 4 x 4 and 4 x 4");
  CHECK(refusal(OneGateFusion<FixedFusion>(FixedFusion{infinity, 1})) ==
        "[FixedFusion] both weights must be finite, got inf and 1");
  using Ffn = SwiGlu<float, B>;
  CHECK(refusal(SharedExpert<Ffn, SigmoidGate>(4, 3)) ==
        "[SharedExpert] the path must read rows of 6 values, its FFN reads 4");
  CHECK(refusal(SharedExpert<Ffn, NoGate>(4, 3)) ==
        "[SharedExpert] the path must read rows of 6 values, its FFN reads 4");
  CHECK(refusal(SharedExpert<Ffn, NoGate>(6, 3)).empty());
  SharedExpert<Ffn, SigmoidGate> narrow_gate(6, 3);
  narrow_gate.gate = SigmoidGate<float, B>(4);
  CHECK(refusal(narrow_gate) == "[SharedExpert] the gate's weight must be 1 x 6 as rows have 6 values, got 1 x 4");
}

TEST_CASE("a layer checks its policies at construction and, as they may be assigned later, at every entry",
          "[layers][misuse]") {
  using Bank = ExpertBank<SwiGlu<double, Cpu<>>>;
  using Layer = Mixtral<double, Cpu<>>;
  const std::string rule = "[TopK] k must lie in [1, 3], got ";
  for (const Index k : {0, -1, 4})
    CHECK_THROWS_WITH(Layer(TopK{.k = k}, {}, {}, Bank(3, 5, 4)), rule + std::to_string(k));
  // Both routers, both capacities.
  using Both = TokenMoE<TrainInfer<GShardChoice, TopK>, SoftmaxOverChosen, TrainInfer<CapacityFactor, CapacityFactor>,
                        SwiGlu<double, Cpu<>>>;
  CHECK_THROWS_AS(Both({{.k = 9}, {.k = 2}}, {}, {}, Bank(3, 5, 4)), Error);
  CHECK_THROWS_AS(Both({{.k = 2}, {.k = 9}}, {}, {}, Bank(3, 5, 4)), Error);
  CHECK_THROWS_AS(Both({{.k = 2}, {.k = 2}}, {}, {{.factor = -1}, {}}, Bank(3, 5, 4)), Error);
  CHECK_THROWS_AS(Both({{.k = 2}, {.k = 2}}, {}, {{}, {.factor = -1}}, Bank(3, 5, 4)), Error);

  Layer layer(TopK{.k = 2}, {}, {}, Bank(3, 5, 4));
  const Matrix<double, Cpu<>> x(4, 5);
  const Batch batch = Batch::single(4);
  auto gradient = gradient_for(layer);
  auto run = layer.forward(context, x, batch);
  auto state = layer.begin_decoding(context, 4);
  layer.routing.router.k = 0;
  CHECK_THROWS_WITH(layer.forward(context, x, batch), rule + "0");
  CHECK_THROWS_WITH(layer.infer(context, x, batch), rule + "0");
  CHECK_THROWS_WITH(layer.prefill(context, x, batch, state), rule + "0");
  CHECK_THROWS_WITH(layer.decode(context, x, {}, state), rule + "0");
  CHECK_THROWS_WITH(layer.update_buffers(context, run.stats), rule + "0");
  CHECK_THROWS_WITH(layer.backward(context, x, {}, std::move(run.saved), gradient), rule + "0");
  layer.routing.router.k = 2;
  CHECK_NOTHROW(layer.backward(context, x, {}, std::move(run.saved), gradient));

  auto hybrid = build<CausalMultiPlMoe<double, Cpu<>>>({.width = 5});
  hybrid.segment.routing.segmenter.window = 0;
  CHECK_THROWS_WITH(hybrid.infer(context, x, batch), "[FixedWindow] a window must have at least 1 row, got 0");
  hybrid.segment.routing.segmenter.window = 2;
  hybrid.fusion.token = not_a_number;
  CHECK_THROWS_AS(hybrid.infer(context, x, batch), Error);
  auto lora = make_lora(SwiGlu<double, Cpu<>>(5, 4), 2, 4);
  lora.router.k = 2;
  CHECK_THROWS_WITH(lora.infer(context, x, batch), "[TopK] k must lie in [1, 1], got 2");
  const Composition crowded{.architecture = "mixtral",
                            .settings = {.width = 4, .hidden = 4, .token_experts = 2, .k = 3}};
  CHECK_THROWS_WITH((Registry<double, Cpu<>>().make(crowded)), "[TopK] k must lie in [1, 2], got 3");
}

TEST_CASE("parts that were assigned to a layer and do not fit are refused", "[layers][misuse]") {
  using Layer = Qwen15Moe<double, Cpu<>>;
  const Matrix<double, Cpu<>> x(4, 5);
  const auto refused = [&](auto&& change) {
    auto layer = build<Layer>({.width = 5});
    CHECK_NOTHROW(layer.infer(context, x, Batch::single(4)));
    change(layer);
    CHECK_THROWS_AS(layer.infer(context, x, Batch::single(4)), Error);
  };
  refused([](Layer& layer) { layer.bank.experts.pop_back(); });
  refused([](Layer& layer) { layer.bank.experts.clear(); });
  refused([](Layer& layer) { layer.bank.experts[1] = SwiGlu<double, Cpu<>>(5, 7); });
  refused([](Layer& layer) { layer.bank.experts[0].down_proj = Matrix<double, Cpu<>>(5, 7); });
  refused([](Layer& layer) { layer.routing.gate = Linear<double, Cpu<>>::without_bias(5, 9); });
  refused([](Layer& layer) { layer.shared_path.ffn = SwiGlu<double, Cpu<>>(4, 7); });
  refused([](Layer& layer) { const Layer taken = std::move(layer); });

  auto segments = build<SegmentByPreviousMean<double>>({.width = 5});
  segments.routing.thresholds_E = Vector<double, Cpu<>>(1);
  CHECK_THROWS_WITH(segments.infer(context, x, Batch::single(4)),
                    "[SegmentMoE::infer] a gate of 3 experts must have as many thresholds, got 1");
}

}  // namespace settings_test
