/// Numbers of pairs of row and expert that a run processes, from which the FLOPs of a layer are counted.
#pragma once

#include <algorithm>
#include <numeric>

#include "bench/data.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/layers/hybrid_moe.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"

namespace moe_bench {

/// FLOPs of one pair's three products: 6 D F.
template <class X>
double flops_per_pair(const X& expert) {
  return 6 * static_cast<double>(expert.width()) * static_cast<double>(expert.hidden());
}

template <class B>
Index count_chosen(moe::View<const moe::ChoiceOrder, B> chosen_RE) {
  return std::count_if(chosen_RE.data, chosen_RE.data + chosen_RE.size(),
                       [](moe::ChoiceOrder rank) { return rank != 0; });
}

// --- in training ----------------------------------------------------------------------------------------------------

inline Index training_pairs(const moe::NoStats&, Index rows) { return rows; }
template <class Stats>
requires requires(const Stats& stats) { stats.load; }
Index training_pairs(const Stats& stats, Index) {
  return std::accumulate(stats.load.begin(), stats.load.end(), Index{0});
}
template <class Stats>
requires requires(const Stats& stats) { stats.token.load; }
Index training_pairs(const Stats& stats, Index rows) {
  return training_pairs(stats.token, rows) + training_pairs(stats.segment, rows);
}

// --- in inference, over whole sequences -----------------------------------------------------------------------------

template <class V, class B>
Index inference_pairs(const moe::SwiGlu<V, B>&, const Context&, const auto& x_TD, const moe::Batch&) {
  return x_TD.rows;
}
template <class R, class N, class C, class X, class Path, class Bal>
Index inference_pairs(const moe::TokenMoE<R, N, C, X, Path, Bal>& layer, const Context& context, const auto& x_TD,
                      const moe::Batch& batch) {
  return count_chosen(layer.routing.template route<moe::Inference>(context, x_TD, batch).saved.decision.kept().view());
}
template <class S, class Source, class R, class N, class C, class X, class Feed>
Index inference_pairs(const moe::SegmentMoE<S, Source, R, N, C, X, Feed>& layer, const Context& context,
                      const auto& x_TD, const moe::Batch& batch) {
  return count_chosen(layer.routing.template route<moe::Inference>(context, x_TD, batch).route.chosen_TE);
}
template <class Token, class Segment, class F>
Index inference_pairs(const moe::HybridMoE<Token, Segment, F>& layer, const Context& context, const auto& x_TD,
                      const moe::Batch& batch) {
  return inference_pairs(layer.token, context, x_TD, batch) + inference_pairs(layer.segment, context, x_TD, batch);
}

// --- of the row that was last decoded with `state` ------------------------------------------------------------------

template <class V, class B>
Index decoding_pairs(const moe::SwiGlu<V, B>&, const Context&, const auto& x_BD, const moe::NoDecodingState&) {
  return x_BD.rows;
}
template <class R, class N, class C, class X, class Path, class Bal>
Index decoding_pairs(const moe::TokenMoE<R, N, C, X, Path, Bal>& layer, const Context& context, const auto& x_BD,
                     const moe::NoDecodingState&) {
  return count_chosen(layer.routing.template decide<moe::Inference>(context, x_BD, {}).kept().view());
}
template <class Layer, class State>
requires requires(const State& state) { state.chosen_BE; }
Index decoding_pairs(const Layer&, const Context&, const auto&, const State& state) {
  return count_chosen(state.chosen_BE.const_view());
}
template <class Token, class Segment, class F, class State>
Index decoding_pairs(const moe::HybridMoE<Token, Segment, F>& layer, const Context& context, const auto& x_BD,
                     const State& state) {
  return decoding_pairs(layer.token, context, x_BD, state.token) +
         decoding_pairs(layer.segment, context, x_BD, state.segment);
}

}  // namespace moe_bench
