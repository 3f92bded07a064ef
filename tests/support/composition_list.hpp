/// Every composition of policies that the conformance tests run, on any backend, and how to build one of given sizes.
/// Names no backend, so that the CUDA compiler can compile it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <utility>

#include "moe/experts/glu.hpp"
#include "moe/experts/mlp.hpp"
#include "moe/layers/presets.hpp"
#include "moe/routing/balance/balance_over_routed.hpp"
#include "moe/routing/capacity/capacity_factor.hpp"
#include "moe/routing/router/priced_top_k.hpp"
#include "moe/routing/router/quantile_choice.hpp"
#include "moe/routing/router/random_choice.hpp"

namespace moe::testing {

struct Sizes {
  Index width = 4, hidden = 6, experts = 3, k = 2, shared = 0, window = 2, minimum = 1, cap = 2, groups = 1,
        kept_groups = 1;
  double capacity_factor = 1;
  double jitter = 0.01;
  NormalizeGates normalize = NormalizeGates::before_dropping;
  DropBy drop = DropBy::position;
};

/// The token that ends a window in tests.
inline constexpr std::int32_t boundary_token = 0;

// --- building
// ---------------------------------------------------------------------------------------------------------

/// A policy or path with those of the `sizes` that are its settings.
template <class P>
P policy_for(const Sizes& sizes) {
  P policy{};
  if constexpr (requires { policy.train; }) policy.train = policy_for<decltype(policy.train)>(sizes);
  if constexpr (requires { policy.infer; }) policy.infer = policy_for<decltype(policy.infer)>(sizes);
  if constexpr (requires { policy.k; }) policy.k = sizes.k;
  if constexpr (requires { policy.shared; }) policy.shared = sizes.shared;
  if constexpr (requires { policy.groups; }) policy.groups = sizes.groups;
  if constexpr (requires { policy.kept_groups; }) policy.kept_groups = sizes.kept_groups;
  if constexpr (requires { policy.window; }) policy.window = sizes.window;
  if constexpr (requires { policy.factor; }) policy.factor = sizes.capacity_factor;
  if constexpr (requires { policy.cap; }) policy.cap = sizes.cap;
  if constexpr (requires { policy.minimum; }) policy.minimum = sizes.minimum;
  if constexpr (requires { policy.maximum; }) policy.maximum = sizes.window;
  if constexpr (requires { policy.boundary; }) policy.boundary = boundary_token;
  if constexpr (requires { policy.normalize; }) policy.normalize = sizes.normalize;
  if constexpr (requires { policy.drop; }) policy.drop = sizes.drop;
  if constexpr (requires { policy.jitter; }) policy.jitter = sizes.jitter;
  return policy;
}

template <class Layer>
struct Builder;
template <class R, class N, class C, class X, class Path, class Bal>
struct Builder<TokenMoE<R, N, C, X, Path, Bal>> {
  static auto build(const Sizes& s) {
    Path path;
    if constexpr (requires { path.ffn; }) path = Path(s.width, s.hidden);
    return TokenMoE<R, N, C, X, Path, Bal>(policy_for<R>(s), N{}, policy_for<C>(s),
                                           ExpertBank<X>(s.experts, s.width, s.hidden), std::move(path),
                                           policy_for<Bal>(s));
  }
};
template <class S, class Source, class R, class N, class C, class X, class Feed>
struct Builder<SegmentMoE<S, Source, R, N, C, X, Feed>> {
  static auto build(const Sizes& s) {
    return SegmentMoE<S, Source, R, N, C, X, Feed>(policy_for<S>(s), Source(s.width), policy_for<R>(s), N{},
                                                   policy_for<C>(s), ExpertBank<X>(s.experts, s.width, s.hidden));
  }
};
template <class Token, class Segment, class F>
struct Builder<HybridMoE<Token, Segment, F>> {
  static auto build(const Sizes& s) {
    return HybridMoE<Token, Segment, F>(Builder<Token>::build(s), Builder<Segment>::build(s),
                                        detail::configured_fusion<F>({.width = s.width}));
  }
};

/// A layer of these sizes with every weight 0.
template <class Layer>
Layer build(const Sizes& sizes) {
  return Builder<Layer>::build(sizes);
}

// --- the list, for every backend ---

namespace on {

template <class Real, class B>
using Ffn = SwiGlu<Real, B>;

template <class Real, class B>
using SharedRouted = MultiPlTokenLevel<Real, B, BalanceOverRouted>;
template <class Real, class B>
using TokenExpertChoice =
    TokenMoE<TrainInfer<ExpertChoice, ThresholdChoice>, SoftmaxOverAll, SegmentCapacity, Ffn<Real, B>>;
template <class Real, class B>
using SegmentByOwnMean =
    SegmentMoE<FixedWindow, OwnMean<Real, B>, ExpertChoice, SoftmaxOverAll, SegmentCapacity, Ffn<Real, B>>;
template <class Real, class B>
using SegmentByPreviousMean = SegmentMoE<FixedWindow, PreviousMean<Real, B>, TrainInfer<ExpertChoice, ThresholdChoice>,
                                         SoftmaxOverAll, SegmentCapacity, Ffn<Real, B>>;
template <class Real, class B>
using SegmentTopK = SegmentMoE<FixedWindow, PreviousMean<Real, B>, TopK, SoftmaxOverChosen, Unlimited, Ffn<Real, B>>;

template <class Real, class B>
using Dropping = TokenMoE<TopK, SoftmaxOverChosen, CapacityFactor, Ffn<Real, B>>;
template <class Real, class B>
using DroppingRaw = TokenMoE<SharedTopK, SoftmaxOverAll, CapacityFactor, Ffn<Real, B>>;
template <class Real, class B>
using SegmentReleased =
    SegmentMoE<BoundaryWindow, OwnMax<Real, B>, CappedExpertChoice, SoftmaxOverAll, SegmentCapacity, Ffn<Real, B>>;
template <class Real, class B>
using SegmentByLine = SegmentMoE<BoundaryWindow, PreviousMax<Real, B>, TrainInfer<CappedExpertChoice, ThresholdChoice>,
                                 SoftmaxOverAll, SegmentCapacity, Ffn<Real, B>>;
template <class Real, class B>
using SegmentDropping =
    SegmentMoE<FixedWindow, PreviousMean<Real, B>, TopK, SoftmaxOverChosen, CapacityFactor, Ffn<Real, B>>;
template <class Real, class B>
using SegmentLiteral =
    SegmentMoE<FixedWindow, OwnMean<Real, B>, ExpertChoice, SoftmaxOverAll, SegmentCapacity, Ffn<Real, B>, PooledInput>;
/// Experts whose input is the pooled vector of the previous segment: they process segments and are still causal.
template <class Real, class B>
using SegmentPooledBefore = SegmentMoE<BoundaryWindow, PreviousMean<Real, B>, TrainInfer<ExpertChoice, ThresholdChoice>,
                                       SoftmaxOverAll, SegmentCapacity, Ffn<Real, B>, PooledInput>;

/// Experts other than SwiGLU.
template <class Real, class B>
using BiasedGeglu = TokenMoE<TopK, SoftmaxOverChosen, Unlimited, Glu<Gelu, Real, B, WithBiases>>;
template <class Real, class B>
using SquaredRelu = TokenMoE<TopK, SoftmaxOverAll, Unlimited, Mlp<ReluSquared, Real, B, WithBiases>,
                             SharedExpert<Mlp<GeluTanh, Real, B>, SigmoidGate>>;

template <class Real, class B>
using TokenCompositions =
    std::tuple<Mixtral<Real, B>, Qwen15Moe<Real, B>, SharedRouted<Real, B>, TokenExpertChoice<Real, B>,
               Dropping<Real, B>, DroppingRaw<Real, B>, BiasedGeglu<Real, B>, SquaredRelu<Real, B>>;
template <class Real, class B>
using SegmentCompositions = std::tuple<SegmentByOwnMean<Real, B>, SegmentByPreviousMean<Real, B>, SegmentTopK<Real, B>,
                                       SegmentReleased<Real, B>, SegmentByLine<Real, B>, SegmentDropping<Real, B>,
                                       SegmentLiteral<Real, B>, SegmentPooledBefore<Real, B>>;
/// HybridCompositions: both levels run in one pass. SeparateCompositions: they cannot, because of a fusion over
/// outputs, experts that process segments, or a shared path beside the experts.
template <class Real, class B>
using HybridCompositions =
    std::tuple<MultiPlMoe<Real, B>, MultiPlMoe<Real, B, NormalizedFusion>, CausalMultiPlMoe<Real, B>,
               CausalMultiPlMoe<Real, B, NormalizedFusion>, CausalMultiPlMoe<Real, B, ScalarFusion<Real, B>>,
               HybridMoE<Dropping<Real, B>, SegmentDropping<Real, B>, NormalizedFusion>>;
template <class Real, class B>
using SeparateCompositions =
    std::tuple<CausalMultiPlMoe<Real, B, ChannelFusion<Real, B>>, MultiPlMoeReleased<Real, B, MatrixFusion<Real, B>>,
               MultiPlMoeLiteral<Real, B>,
               HybridMoE<SharedRouted<Real, B>, SegmentPooledBefore<Real, B>, NormalizedFusion>,
               HybridMoE<Qwen15Moe<Real, B>, SegmentByLine<Real, B>, ScalarFusion<Real, B>>>;

/// The other routers of the literature. The reference does not implement them: backends are compared with each other.
template <class Real, class B>
using RandomMoe = TokenMoE<RandomChoice, SoftmaxOverChosen, Unlimited, Ffn<Real, B>>;
/// Switch as it trains: jitter and drops in training only, so that it can decode.
template <class Real, class B>
using SwitchInTraining = TokenMoE<Jittered<TopK>, SoftmaxOverAll, TrainInfer<CapacityFactor, Unlimited>, Ffn<Real, B>>;
template <class Real, class B>
using QuantileMoe = TokenMoE<TrainInfer<QuantileChoice, PricedTopK>, SoftmaxOverChosen, Unlimited, Ffn<Real, B>>;
template <class Real, class B>
using Strategies = std::tuple<SwitchMoe<Real, B>, GShardMoe<Real, B>, DeepSeekMoe<Real, B>, DeepSeekV2Moe<Real, B>,
                              DeepSeekV3Moe<Real, B>, HashMoe<Real, B>, ReMoe<Real, B>, SinkhornMoe<Real, B>,
                              RandomMoe<Real, B>, BaseMoe<Real, B>, QuantileMoe<Real, B>, SwitchInTraining<Real, B>>;

}  // namespace on

/// Calls f.template operator()<Layer>() for every layer of the list.
template <class List, class F>
void for_each_composition(const F& f) {
  [&]<std::size_t... i>(std::index_sequence<i...>) { (f.template operator()<std::tuple_element_t<i, List>>(), ...); }
  (std::make_index_sequence<std::tuple_size_v<List>>{});
}

}  // namespace moe::testing
