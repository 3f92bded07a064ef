#pragma once

#include "moe/layers/hybrid_moe.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/modules/fusion/fixed_fusion.hpp"
#include "moe/modules/fusion/normalised_fusion.hpp"
#include "moe/modules/swiglu.hpp"
#include "moe/policies/balance/balance_over_routed.hpp"
#include "moe/policies/capacity/segment_capacity.hpp"
#include "moe/policies/capacity/unlimited.hpp"
#include "moe/policies/normalizer/softmax_over_all.hpp"
#include "moe/policies/normalizer/softmax_over_chosen.hpp"
#include "moe/policies/router/expert_choice.hpp"
#include "moe/policies/router/shared_top_k.hpp"
#include "moe/policies/router/threshold_choice.hpp"
#include "moe/policies/router/top_k.hpp"
#include "moe/policies/segmenter/fixed_window.hpp"

namespace moe {

/// Mixtral 8x7B's layer and, with 12 experts and k = 3, the paper's GShard baseline: top-k, gates renormalised,
/// dropless.
template <class Value, class B>
using Mixtral = TokenMoE<TopK, SoftmaxOverChosen, Unlimited, SwiGlu<Value, B>>;

/// Qwen1.5-MoE's layer: top-4 of 60 with raw softmax gates, beside a sigmoid-gated shared FFN.
template <class Value, class B>
using Qwen15Moe = TokenMoE<TopK, SoftmaxOverAll, Unlimited, SwiGlu<Value, B>, SigmoidGatedFfn<SwiGlu<Value, B>>>;

/// MultiPL-MoE's token level: the shared expert and the best of the others, gates summing to 1 (eq. 2).
template <class Value, class B, class Bal = BalanceOverAll>
using MultiPlTokenLevel = TokenMoE<SharedTopK, SoftmaxOverChosen, Unlimited, SwiGlu<Value, B>, NoAlwaysOn, Bal>;

/// MultiPL-MoE's layer as the paper has it: a segment is routed by its own mean and experts choose across the batch, so
/// the layer looks ahead and cannot be decoded one token at a time.
template <class Value, class B, class F = FixedFusion, class Bal = BalanceOverAll>
using MultiPlMoe = HybridMoE<
    MultiPlTokenLevel<Value, B, Bal>,
    SegmentMoE<FixedWindow, OwnMean<Value, B>, ExpertChoice, SoftmaxOverAll, SegmentCapacity, SwiGlu<Value, B>>, F>;

/// MultiPL-MoE for language models: a segment is routed by the mean of the one before, experts choose across the batch
/// in training and by learned thresholds in inference. In inference it is causal and independent of batch mates.
template <class Value, class B, class F = FixedFusion, class Bal = BalanceOverAll>
using CausalMultiPlMoe =
    HybridMoE<MultiPlTokenLevel<Value, B, Bal>,
              SegmentMoE<FixedWindow, PreviousMean<Value, B>, Routing<ExpertChoice, ThresholdChoice>, SoftmaxOverAll,
                         SegmentCapacity, SwiGlu<Value, B>>,
              F>;

/// The sizes and settings of a MultiPL-MoE layer; the defaults are the paper's for Qwen1.5-1.8B.
struct MultiPlSettings {
  Index width = 2048;
  Index hidden = 5504;
  Index token_experts = 6;
  Index segment_experts = 6;
  /// Experts a row meets on the token level, the shared one included.
  Index k = 2;
  Index shared = 0;
  Index window = 64;
  double capacity_factor = 1;
  double token_weight = 0.7;
  double segment_weight = 0.3;
  double threshold_beta = 0.99;
};

namespace detail {

template <class Bal>
Bal balance_for(const MultiPlSettings& settings) {
  if constexpr (requires(Bal balance) { balance.shared; })
    return Bal{.shared = settings.shared};
  else
    return Bal{};
}

template <class R>
R segment_router_for(const MultiPlSettings& settings) {
  if constexpr (requires(R router) { router.infer.beta; })
    return R{.infer = {.beta = settings.threshold_beta}};
  else
    return R{};
}

template <class Layer>
struct MultiPlMaker;
template <class Value, class B, class Bal, class Source, class R, class F>
struct MultiPlMaker<
    HybridMoE<MultiPlTokenLevel<Value, B, Bal>,
              SegmentMoE<FixedWindow, Source, R, SoftmaxOverAll, SegmentCapacity, SwiGlu<Value, B>>, F>> {
  static auto make(const MultiPlSettings& s) {
    using Bank = ExpertBank<SwiGlu<Value, B>>;
    require(s.shared >= 0 && s.shared < s.token_experts, "MultiPlMoe", "the shared expert's index must lie in [0, ",
            s.token_experts, "), got ", s.shared);
    require(s.k >= 1 && s.k <= s.token_experts, "MultiPlMoe", "k must lie in [1, ", s.token_experts, "], got ", s.k);
    require(s.token_weight > 0 && s.segment_weight >= 0, "MultiPlMoe",
            "the token level's weight must be above 0 and the segment level's not below, got ", s.token_weight, " and ",
            s.segment_weight);
    require(s.window >= 1, "MultiPlMoe", "the window must have at least 1 row, got ", s.window);
    return HybridMoE(
        MultiPlTokenLevel<Value, B, Bal>(SharedTopK{.k = s.k, .shared = s.shared}, SoftmaxOverChosen{}, Unlimited{},
                                         Bank(s.token_experts, s.width, s.hidden), NoAlwaysOn{}, balance_for<Bal>(s)),
        SegmentMoE(FixedWindow{.window = s.window}, Source(s.width), segment_router_for<R>(s), SoftmaxOverAll{},
                   SegmentCapacity{.factor = s.capacity_factor}, Bank(s.segment_experts, s.width, s.hidden)),
        F{.token = s.token_weight, .segment = s.segment_weight});
  }
};

}  // namespace detail

/// Builds MultiPlMoe<...> or CausalMultiPlMoe<...> with every weight 0. Throws Error for settings that fit no layer.
template <class Layer>
Layer make_multipl(const MultiPlSettings& settings) {
  return detail::MultiPlMaker<Layer>::make(settings);
}

}  // namespace moe
