#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/experts/shared_expert.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/fusion/channel_fusion.hpp"
#include "moe/fusion/fixed_fusion.hpp"
#include "moe/fusion/matrix_fusion.hpp"
#include "moe/fusion/normalized_fusion.hpp"
#include "moe/fusion/scalar_fusion.hpp"
#include "moe/layers/hybrid_moe.hpp"
#include "moe/layers/lora_ffn.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/routing/balance/balance_over_routed.hpp"
#include "moe/routing/balance/gate_sparsity.hpp"
#include "moe/routing/balance/sequence_balance.hpp"
#include "moe/routing/capacity/capacity_factor.hpp"
#include "moe/routing/capacity/even_share.hpp"
#include "moe/routing/capacity/segment_capacity.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/normalizer/relu_gates.hpp"
#include "moe/routing/normalizer/sigmoid_over_chosen.hpp"
#include "moe/routing/normalizer/softmax_over_all.hpp"
#include "moe/routing/normalizer/softmax_over_chosen.hpp"
#include "moe/routing/normalizer/unit_gates.hpp"
#include "moe/routing/router/balanced_assignment.hpp"
#include "moe/routing/router/biased_top_k.hpp"
#include "moe/routing/router/capped_expert_choice.hpp"
#include "moe/routing/router/expert_choice.hpp"
#include "moe/routing/router/group_limited_top_k.hpp"
#include "moe/routing/router/gshard_choice.hpp"
#include "moe/routing/router/hash_choice.hpp"
#include "moe/routing/router/language_choice.hpp"
#include "moe/routing/router/relu_router.hpp"
#include "moe/routing/router/shared_top_k.hpp"
#include "moe/routing/router/sinkhorn_choice.hpp"
#include "moe/routing/router/threshold_choice.hpp"
#include "moe/routing/router/top_k.hpp"
#include "moe/routing/segmenter/boundary_window.hpp"
#include "moe/routing/segmenter/fixed_window.hpp"

namespace moe {

// Published layers. The experts are SwiGLU FFNs unless the last argument X names another Expert, such as
// Glu<Gelu, Value, B> or Mlp<Relu, Value, B>, whose value type and backend must be Value and B.

/// Mixtral 8x7B's layer and, with 12 experts and k = 3, the paper's GShard baseline: top-k, gates renormalized over the
/// selected experts, dropless.
template <class Value, class B, class X = SwiGlu<Value, B>>
using Mixtral = TokenMoE<TopK, SoftmaxOverChosen, Unlimited, X>;

/// Qwen1.5-MoE's layer: top-4 of 60 with raw softmax gates, plus a sigmoid-gated shared expert.
template <class Value, class B, class X = SwiGlu<Value, B>>
using Qwen15Moe = TokenMoE<TopK, SoftmaxOverAll, Unlimited, X, SharedExpert<X, SigmoidGate>>;

/// Switch Transformer's layer (arXiv 2101.03961): one expert per row, whose gate is its softmax probability over all
/// experts; the capacity is a multiple of an even load.
template <class Value, class B, class X = SwiGlu<Value, B>>
using SwitchMoe = TokenMoE<TopK, SoftmaxOverAll, CapacityFactor, X>;

/// GShard's layer (arXiv 2006.16668): in training, choices after the first are kept at random, and experts have limited
/// capacity.
template <class Value, class B, class X = SwiGlu<Value, B>>
using GShardMoe = TokenMoE<TrainInfer<GShardChoice, TopK>, SoftmaxOverChosen, CapacityFactor, X>;

/// GShardMoe with unlimited capacity in inference: tokens are dropped in training only, so the layer can decode.
template <class Value, class B, class X = SwiGlu<Value, B>>
using GShardDecoderMoe =
    TokenMoE<TrainInfer<GShardChoice, TopK>, SoftmaxOverChosen, TrainInfer<CapacityFactor, Unlimited>, X>;

/// DeepSeekMoE's layer (arXiv 2401.06066): top-k with raw softmax gates, plus ungated shared experts.
template <class Value, class B, class X = SwiGlu<Value, B>>
using DeepSeekMoe = TokenMoE<TopK, SoftmaxOverAll, Unlimited, X, SharedExpert<X, NoGate>>;

/// DeepSeek-V2's layer (arXiv 2405.04434): DeepSeekMoe with top-k limited to the best groups of experts.
template <class Value, class B, class X = SwiGlu<Value, B>>
using DeepSeekV2Moe = TokenMoE<GroupLimitedTopK, SoftmaxOverAll, Unlimited, X, SharedExpert<X, NoGate>>;

/// DeepSeek-V3's layer (arXiv 2412.19437): load-dependent biases are added to the scores for the selection only;
/// sigmoid gates, plus ungated shared experts.
template <class Value, class B, class X = SwiGlu<Value, B>>
using DeepSeekV3Moe = TokenMoE<BiasedTopK, SigmoidOverChosen, Unlimited, X, SharedExpert<X, NoGate>, SequenceBalance>;

/// A hash layer (arXiv 2106.04426): experts are selected by token id, without a learned router.
template <class Value, class B, class X = SwiGlu<Value, B>>
using HashMoe = TokenMoE<HashChoice, UnitGates, Unlimited, X>;

/// ReMoE's layer (arXiv 2412.14711): selects every expert whose logit is above 0, with the logit as the gate; the
/// balance loss limits how many are selected.
template <class Value, class B, class X = SwiGlu<Value, B>>
using ReMoe = TokenMoE<ReluRouter, ReluGates, Unlimited, X, NoSharedExpert, GateSparsity>;

/// BASE's layer (Lewis et al. 2021, arXiv 2103.16716): in training all experts get the same number of rows, in
/// inference each row selects its best expert; sigmoid gate.
template <class Value, class B, class X = SwiGlu<Value, B>>
using BaseMoe = TokenMoE<TrainInfer<BalancedAssignment, TopK>, SigmoidOverChosen, EvenShare, X>;

/// S-BASE's layer (arXiv 2202.01169): balanced by Sinkhorn scaling in training, the best expert in inference.
template <class Value, class B, class X = SwiGlu<Value, B>>
using SinkhornMoe = TokenMoE<TrainInfer<SinkhornChoice, TopK>, SigmoidOverChosen, Unlimited, X>;

/// MultiPL-MoE's token level: the shared expert and the best k - 1 other experts, gates summing to 1 (eq. 2).
template <class Value, class B, class Bal = BalanceOverAll, class X = SwiGlu<Value, B>>
using MultiPlTokenLevel = TokenMoE<SharedTopK, SoftmaxOverChosen, Unlimited, X, NoSharedExpert, Bal>;

/// The segment level as trained in the paper: a segment is routed by its own mean, with expert choice across the batch.
template <class Value, class B, class X = SwiGlu<Value, B>>
using MultiPlSegmentLevel =
    SegmentMoE<FixedWindow, OwnMean<Value, B>, ExpertChoice, SoftmaxOverAll, SegmentCapacity, X>;

/// The causal segment level for language models: a segment is routed by the mean of the previous segment, with expert
/// choice across the batch in training and learned thresholds in inference.
template <class Value, class B, class X = SwiGlu<Value, B>>
using CausalMultiPlSegmentLevel =
    SegmentMoE<FixedWindow, PreviousMean<Value, B>, TrainInfer<ExpertChoice, ThresholdChoice>, SoftmaxOverAll,
               SegmentCapacity, X>;

/// MultiPL-MoE's layer as in the paper. The routing of a row depends on later rows of its segment, so the layer cannot
/// decode one token at a time.
template <class Value, class B, class F = FixedFusion, class Bal = BalanceOverAll, class X = SwiGlu<Value, B>>
using MultiPlMoe = HybridMoE<MultiPlTokenLevel<Value, B, Bal, X>, MultiPlSegmentLevel<Value, B, X>, F>;

/// MultiPL-MoE's layer for language models: in inference it is causal and batch invariant.
template <class Value, class B, class F = FixedFusion, class Bal = BalanceOverAll, class X = SwiGlu<Value, B>>
using CausalMultiPlMoe = HybridMoE<MultiPlTokenLevel<Value, B, Bal, X>, CausalMultiPlSegmentLevel<Value, B, X>, F>;

/// Eq. 5 as printed: segment experts process the segment's mean, and every row of the segment gets their output. For
/// study only: in a decoder every token would depend on later tokens of its segment.
template <class Value, class B, class F = FixedFusion, class Bal = BalanceOverAll, class X = SwiGlu<Value, B>>
using MultiPlMoeLiteral =
    HybridMoE<MultiPlTokenLevel<Value, B, Bal, X>,
              SegmentMoE<FixedWindow, OwnMean<Value, B>, ExpertChoice, SoftmaxOverAll, SegmentCapacity, X, PooledInput>,
              F>;

/// MultiPlMoe with the segment level of the released code: routed by each channel's maximum, at most `cap` experts per
/// segment (4 by default).
template <class Value, class B, class F = FixedFusion, class Bal = BalanceOverAll, class X = SwiGlu<Value, B>>
using MultiPlMoeReleased =
    HybridMoE<MultiPlTokenLevel<Value, B, Bal, X>,
              SegmentMoE<FixedWindow, OwnMax<Value, B>, CappedExpertChoice, SoftmaxOverAll, SegmentCapacity, X>, F>;

/// The first of three ablations of the paper's Table 2, in our reading: without the segment level.
template <class Value, class B, class Bal = BalanceOverAll, class X = SwiGlu<Value, B>>
using MultiPlWithoutSegments = MultiPlTokenLevel<Value, B, Bal, X>;
/// The ablation without the shared expert: plain top-k over token experts that all train.
template <class Value, class B, class Segment = CausalMultiPlSegmentLevel<Value, B>, class F = FixedFusion,
          class X = typename Segment::ExpertType>
using MultiPlWithoutShared = HybridMoE<Mixtral<Value, B, X>, Segment, F>;
/// The ablation without the segment level and without the shared expert.
template <class Value, class B, class X = SwiGlu<Value, B>>
using MultiPlWithoutBoth = Mixtral<Value, B, X>;

/// The sizes and settings of a MultiPL-MoE layer; the defaults are the paper's for Qwen1.5-1.8B.
struct MultiPlSettings {
  /// Width of a row, D.
  Index width = 2048;
  /// Inner channels of an expert, F.
  Index hidden = 5504;
  /// Experts of the token level, N^tok, including the shared one.
  Index token_experts = 6;
  /// Experts of the segment level, N^seg.
  Index segment_experts = 6;
  /// Experts per row on the token level, including the shared one.
  Index k = 2;
  /// Index of the shared expert, which processes every row; SharedTopK::no_expert: none.
  Index shared = 0;
  /// Rows of a segment. With BoundaryWindow the maximum; the segment also ends after the token `boundary` once it has
  /// `minimum_window` rows.
  Index window = 64;
  /// Minimum number of rows of a BoundaryWindow that ends after `boundary`.
  Index minimum_window = 16;
  /// Token id that ends a BoundaryWindow; 10 is the newline of a byte tokenizer.
  std::int32_t boundary = 10;
  /// Capacity factor c of eq. 3: the average number of experts per segment.
  double capacity_factor = 1;
  /// Maximum number of experts per segment, for CappedExpertChoice.
  Index cap = 4;
  /// Weight of the token level's output in eq. 6.
  double token_weight = 0.7;
  /// Weight of the segment level's output in eq. 6.
  double segment_weight = 0.3;
  /// Decay beta of the thresholds: threshold = beta * threshold + (1 - beta) * boundary in each step.
  double threshold_beta = 0.99;
};

namespace detail {

/// Default-constructs a policy and sets those of its members that MultiPlSettings has.
template <class P>
P configured(const MultiPlSettings& s) {
  P policy{};
  if constexpr (requires { policy.train; }) policy.train = configured<decltype(policy.train)>(s);
  if constexpr (requires { policy.infer; }) policy.infer = configured<decltype(policy.infer)>(s);
  if constexpr (requires { policy.k; }) policy.k = s.k;
  if constexpr (requires { policy.shared; }) policy.shared = s.shared;
  if constexpr (requires { policy.cap; }) policy.cap = s.cap;
  if constexpr (requires { policy.beta; }) policy.beta = s.threshold_beta;
  if constexpr (requires { policy.factor; }) policy.factor = s.capacity_factor;
  if constexpr (requires { policy.window; }) policy.window = s.window;
  if constexpr (requires { policy.boundary; })
    policy = {.boundary = s.boundary, .minimum = s.minimum_window, .maximum = s.window};
  return policy;
}

template <class F>
F configured_fusion(const MultiPlSettings& s) {
  if constexpr (std::is_constructible_v<F, Index, double, double>)
    return F(s.width, s.token_weight, s.segment_weight);
  else
    return F{s.token_weight, s.segment_weight};
}

template <class Layer>
struct MultiPlMaker {
  static_assert(sizeof(Layer) == 0,
                "make_multipl: the type to build must be one of the MultiPL layers or one of its levels");
  static Layer make(const MultiPlSettings&);
};
template <class R, class N, class C, class X, class Path, class Bal>
struct MultiPlMaker<TokenMoE<R, N, C, X, Path, Bal>> {
  static auto make(const MultiPlSettings& s) {
    if constexpr (requires { R::no_expert; })
      require(s.shared == R::no_expert || (s.shared >= 0 && s.shared < s.token_experts), "MultiPlMoe",
              "the shared expert's index must lie in [0, ", s.token_experts, "), got ", s.shared);
    require(s.k >= 1 && s.k <= s.token_experts, "MultiPlMoe", "k must lie in [1, ", s.token_experts, "], got ", s.k);
    return TokenMoE<R, N, C, X, Path, Bal>(
        configured<R>(s), N{}, C{}, ExpertBank<X>(s.token_experts, s.width, s.hidden), Path{}, configured<Bal>(s));
  }
};
template <class S, class Source, class R, class N, class C, class X, class Feed>
struct MultiPlMaker<SegmentMoE<S, Source, R, N, C, X, Feed>> {
  static auto make(const MultiPlSettings& s) {
    require(s.window >= 1, "MultiPlMoe", "the window must have at least 1 row, got ", s.window);
    return SegmentMoE<S, Source, R, N, C, X, Feed>(configured<S>(s), Source(s.width), configured<R>(s), N{},
                                                   configured<C>(s),
                                                   ExpertBank<X>(s.segment_experts, s.width, s.hidden));
  }
};
template <class Token, class Segment, class F>
struct MultiPlMaker<HybridMoE<Token, Segment, F>> {
  static auto make(const MultiPlSettings& s) {
    require(s.token_weight > 0 && s.segment_weight >= 0, "MultiPlMoe",
            "the token level's weight must be above 0 and the segment level's at least 0, got ", s.token_weight,
            " and ", s.segment_weight);
    return HybridMoE<Token, Segment, F>(MultiPlMaker<Token>::make(s), MultiPlMaker<Segment>::make(s),
                                        configured_fusion<F>(s));
  }
};

}  // namespace detail

/// Builds one of the MultiPL layers above, or one of their two levels. Every weight is 0 except those of a learned
/// fusion, which start from token_weight and segment_weight. Throws Error for invalid settings.
template <class Layer>
Layer make_multipl(const MultiPlSettings& settings) {
  return detail::MultiPlMaker<Layer>::make(settings);
}

/// An FFN with LoRA on its three projections: one adapter per projection, used by every row.
template <class Value, class B>
using LoraFeedForward = LoraFfn<TopK, Value, B>;

/// MoLE's FFN (arXiv 2506.18923): one adapter per language, one shared by all languages, one for all other rows.
template <class Value, class B>
using Mole = LoraFfn<LanguageChoice, Value, B>;

/// A LoRA FFN over `dense`; draw_adapters initializes the adapters. The default rank r is that of the paper's baseline,
/// and the default alpha is 2 r, the default of the tools that the paper uses. Throws Error if the rank is below 1.
template <class Value, class B>
LoraFeedForward<Value, B> make_lora(SwiGlu<Value, B> dense, Index rank = 8, double alpha = 16) {
  return {TopK{.k = 1}, std::move(dense), {AdapterSize::lora(rank, alpha)}};
}

/// The sizes of a MoLE layer; the defaults are the paper's.
struct MoleSettings {
  /// Number of languages, L.
  Index languages = 8;
  /// Rank r of a language's adapter.
  Index language_rank = 16;
  /// alpha of a language's adapter.
  double language_alpha = 16;
  /// Rank r of the shared adapter. The adapter for other rows has rank language_rank + shared_rank.
  Index shared_rank = 48;
  /// alpha of the shared adapter and of the adapter for other rows.
  double shared_alpha = 32;
};

/// A MoLE layer over `dense`; split_into_adapters or draw_adapters initializes the adapters. Throws Error if a rank is
/// below 1 or the number of languages is negative.
template <class Value, class B>
Mole<Value, B> make_mole(SwiGlu<Value, B> dense, const MoleSettings& s = {}) {
  require(s.languages >= 0, "make_mole", "the number of languages must not be negative, got ", s.languages);
  std::vector<AdapterSize> sizes(static_cast<std::size_t>(s.languages),
                                 AdapterSize::rank_stabilized(s.language_rank, s.language_alpha));
  sizes.push_back(AdapterSize::rank_stabilized(s.shared_rank, s.shared_alpha));
  sizes.push_back(AdapterSize::rank_stabilized(s.language_rank + s.shared_rank, s.shared_alpha));
  return {LanguageChoice{.languages = s.languages}, std::move(dense), sizes};
}

}  // namespace moe
