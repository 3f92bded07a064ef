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

// Published layers, with the experts that they have: SwiGLUs. The last argument X is another Expert in their place,
// such as Glu<Gelu, Value, B> or Mlp<Relu, Value, B>; its value type and backend are Value and B.

/// Mixtral 8x7B's layer and, with 12 experts and k = 3, the paper's GShard baseline: top-k, gates renormalized,
/// dropless.
template <class Value, class B, class X = SwiGlu<Value, B>>
using Mixtral = TokenMoE<TopK, SoftmaxOverChosen, Unlimited, X>;

/// Qwen1.5-MoE's layer: top-4 of 60 with raw softmax gates, beside a sigmoid-gated shared FFN.
template <class Value, class B, class X = SwiGlu<Value, B>>
using Qwen15Moe = TokenMoE<TopK, SoftmaxOverAll, Unlimited, X, SharedExpert<X, SigmoidGate>>;

/// Switch Transformer's layer (arXiv 2101.03961): one expert a row, its gate as the softmax over all has it, room in
/// multiples of an even load.
template <class Value, class B, class X = SwiGlu<Value, B>>
using SwitchMoe = TokenMoE<TopK, SoftmaxOverAll, CapacityFactor, X>;

/// GShard's layer (arXiv 2006.16668): further choices are kept by chance in training, and experts have limited room.
template <class Value, class B, class X = SwiGlu<Value, B>>
using GShardMoe = TokenMoE<TrainInfer<GShardChoice, TopK>, SoftmaxOverChosen, CapacityFactor, X>;

/// The same where inference has room for all: a layer that drops in training alone, which can be decoded.
template <class Value, class B, class X = SwiGlu<Value, B>>
using GShardDecoderMoe =
    TokenMoE<TrainInfer<GShardChoice, TopK>, SoftmaxOverChosen, TrainInfer<CapacityFactor, Unlimited>, X>;

/// DeepSeekMoE's layer (arXiv 2401.06066): top-k with raw softmax gates beside shared experts that nothing weighs.
template <class Value, class B, class X = SwiGlu<Value, B>>
using DeepSeekMoe = TokenMoE<TopK, SoftmaxOverAll, Unlimited, X, SharedExpert<X, NoGate>>;

/// DeepSeek-V2's layer (arXiv 2405.04434): the same within the best groups of experts.
template <class Value, class B, class X = SwiGlu<Value, B>>
using DeepSeekV2Moe = TokenMoE<GroupLimitedTopK, SoftmaxOverAll, Unlimited, X, SharedExpert<X, NoGate>>;

/// DeepSeek-V3's layer (arXiv 2412.19437): biases that follow the load choose, sigmoid gates weigh, beside shared
/// experts.
template <class Value, class B, class X = SwiGlu<Value, B>>
using DeepSeekV3Moe = TokenMoE<BiasedTopK, SigmoidOverChosen, Unlimited, X, SharedExpert<X, NoGate>, SequenceBalance>;

/// A hash layer (arXiv 2106.04426): experts by token id, nothing to learn but them.
template <class Value, class B, class X = SwiGlu<Value, B>>
using HashMoe = TokenMoE<HashChoice, UnitGates, Unlimited, X>;

/// ReMoE's layer (arXiv 2412.14711): every expert whose logit is above 0, weighed by it; its balance loss keeps them
/// few.
template <class Value, class B, class X = SwiGlu<Value, B>>
using ReMoe = TokenMoE<ReluRouter, ReluGates, Unlimited, X, NoSharedExpert, GateSparsity>;

/// BASE's layer (Lewis et al. 2021, arXiv 2103.16716): every expert gets as many rows in training, each row its best
/// expert in inference, with a sigmoid gate.
template <class Value, class B, class X = SwiGlu<Value, B>>
using BaseMoe = TokenMoE<TrainInfer<BalancedAssignment, TopK>, SigmoidOverChosen, EvenShare, X>;

/// S-BASE's layer (arXiv 2202.01169): balanced by scaling in training, the best expert in inference.
template <class Value, class B, class X = SwiGlu<Value, B>>
using SinkhornMoe = TokenMoE<TrainInfer<SinkhornChoice, TopK>, SigmoidOverChosen, Unlimited, X>;

/// MultiPL-MoE's token level: the shared expert and the best of the others, gates summing to 1 (eq. 2).
template <class Value, class B, class Bal = BalanceOverAll, class X = SwiGlu<Value, B>>
using MultiPlTokenLevel = TokenMoE<SharedTopK, SoftmaxOverChosen, Unlimited, X, NoSharedExpert, Bal>;

/// The segment level as the paper trains it: a segment is routed by its own mean and experts choose across the batch.
template <class Value, class B, class X = SwiGlu<Value, B>>
using MultiPlSegmentLevel =
    SegmentMoE<FixedWindow, OwnMean<Value, B>, ExpertChoice, SoftmaxOverAll, SegmentCapacity, X>;

/// The segment level for language models: routed by the mean of the segment before, by experts' choice across the batch
/// in training and by learned thresholds in inference.
template <class Value, class B, class X = SwiGlu<Value, B>>
using CausalMultiPlSegmentLevel =
    SegmentMoE<FixedWindow, PreviousMean<Value, B>, TrainInfer<ExpertChoice, ThresholdChoice>, SoftmaxOverAll,
               SegmentCapacity, X>;

/// MultiPL-MoE's layer as the paper has it. Segments look ahead, so it cannot be decoded one token at a time.
template <class Value, class B, class F = FixedFusion, class Bal = BalanceOverAll, class X = SwiGlu<Value, B>>
using MultiPlMoe = HybridMoE<MultiPlTokenLevel<Value, B, Bal, X>, MultiPlSegmentLevel<Value, B, X>, F>;

/// MultiPL-MoE's layer for language models: in inference it is causal and independent of batch neighbors.
template <class Value, class B, class F = FixedFusion, class Bal = BalanceOverAll, class X = SwiGlu<Value, B>>
using CausalMultiPlMoe = HybridMoE<MultiPlTokenLevel<Value, B, Bal, X>, CausalMultiPlSegmentLevel<Value, B, X>, F>;

/// Eq. 5 to the letter: segment experts work on the segment's mean, and every row gets the answer. For study only: in a
/// decoder it hands every token its own future.
template <class Value, class B, class F = FixedFusion, class Bal = BalanceOverAll, class X = SwiGlu<Value, B>>
using MultiPlMoeLiteral =
    HybridMoE<MultiPlTokenLevel<Value, B, Bal, X>,
              SegmentMoE<FixedWindow, OwnMean<Value, B>, ExpertChoice, SoftmaxOverAll, SegmentCapacity, X, PooledInput>,
              F>;

/// The segment level of the released code: routed by each channel's maximum, at most four experts a segment.
template <class Value, class B, class F = FixedFusion, class Bal = BalanceOverAll, class X = SwiGlu<Value, B>>
using MultiPlMoeReleased =
    HybridMoE<MultiPlTokenLevel<Value, B, Bal, X>,
              SegmentMoE<FixedWindow, OwnMax<Value, B>, CappedExpertChoice, SoftmaxOverAll, SegmentCapacity, X>, F>;

/// The first of three ablations in the paper's Table 2, as we read them: without the segment level, the token level
/// alone.
template <class Value, class B, class Bal = BalanceOverAll, class X = SwiGlu<Value, B>>
using MultiPlWithoutSegments = MultiPlTokenLevel<Value, B, Bal, X>;
/// The ablation without the shared expert: plain top-k of token experts that all train.
template <class Value, class B, class Segment = CausalMultiPlSegmentLevel<Value, B>, class F = FixedFusion,
          class X = typename Segment::ExpertType>
using MultiPlWithoutShared = HybridMoE<Mixtral<Value, B, X>, Segment, F>;
/// The ablation without segment level and shared expert.
template <class Value, class B, class X = SwiGlu<Value, B>>
using MultiPlWithoutBoth = Mixtral<Value, B, X>;

/// The sizes and settings of a MultiPL-MoE layer; the defaults are the paper's for Qwen1.5-1.8B.
struct MultiPlSettings {
  /// D.
  Index width = 2048;
  /// F: inner channels of an expert.
  Index hidden = 5504;
  /// N^tok: experts of the token level, the shared one included.
  Index token_experts = 6;
  /// N^seg: experts of the segment level.
  Index segment_experts = 6;
  /// Experts a row meets on the token level, the shared one included.
  Index k = 2;
  /// Index of the expert that every row meets; SharedTopK::no_expert: none.
  Index shared = 0;
  /// Rows of a segment; with BoundaryWindow at most, and it may end after token `boundary` from `minimum_window` on.
  Index window = 64;
  /// Fewest rows of a BoundaryWindow.
  Index minimum_window = 16;
  /// Token id that ends a BoundaryWindow; 10 is a newline in bytes.
  std::int32_t boundary = 10;
  /// c of eq. 3.
  double capacity_factor = 1;
  /// Experts that may share a segment, where the router is capped.
  Index cap = 4;
  /// Weight of the token level's output in eq. 6.
  double token_weight = 0.7;
  /// Weight of the segment level's output in eq. 6.
  double segment_weight = 0.3;
  /// Share of a threshold that one step leaves in place.
  double threshold_beta = 0.99;
};

namespace detail {

/// A policy or fusion with the settings that it has among MultiPL's.
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
            "the token level's weight must be above 0 and the segment level's not below, got ", s.token_weight, " and ",
            s.segment_weight);
    return HybridMoE<Token, Segment, F>(MultiPlMaker<Token>::make(s), MultiPlMaker<Segment>::make(s),
                                        configured_fusion<F>(s));
  }
};

}  // namespace detail

/// Builds one of the MultiPL layers above, or one of its two levels, with every weight 0 except a learned fusion's,
/// which start as the settings say. Throws Error for settings that fit no layer.
template <class Layer>
Layer make_multipl(const MultiPlSettings& settings) {
  return detail::MultiPlMaker<Layer>::make(settings);
}

/// An FFN with LoRA on its three projections: one adapter that every row takes.
template <class Value, class B>
using LoraFeedForward = LoraFfn<TopK, Value, B>;

/// MoLE's FFN (arXiv 2506.18923): an adapter for each language, one that languages share, one for everything else.
template <class Value, class B>
using Mole = LoraFfn<LanguageChoice, Value, B>;

/// A LoRA FFN over `dense`, which draw_adapters starts. r is that of the paper's baseline, alpha twice as much, as its
/// tools have it where nobody says more. Throws Error for a rank below 1.
template <class Value, class B>
LoraFeedForward<Value, B> make_lora(SwiGlu<Value, B> dense, Index rank = 8, double alpha = 16) {
  return {TopK{.k = 1}, std::move(dense), {AdapterSize::lora(rank, alpha)}};
}

/// The sizes of a MoLE layer; the defaults are the paper's.
struct MoleSettings {
  /// L.
  Index languages = 8;
  /// r of a language's adapter.
  Index language_rank = 16;
  /// alpha of a language's adapter.
  double language_alpha = 16;
  /// r of the shared adapter; the other one's is the sum of both.
  Index shared_rank = 48;
  /// alpha of the shared and of the other adapter.
  double shared_alpha = 32;
};

/// A MoLE layer over `dense`. split_into_adapters or draw_adapters starts it. Throws Error for ranks below 1 and fewer
/// than no languages.
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
