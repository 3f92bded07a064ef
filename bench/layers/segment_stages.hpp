/// SegmentMoE whose experts work on rows, call by call, with the time of each part. A test holds it to the layer's
/// bits.
#pragma once

#include <utility>

#include "bench/layers/mix_stages.hpp"
#include "moe/layers/segment_moe.hpp"

namespace moe_bench {

/// Layers whose experts work on rows of x.
template <class S, class Source, class R, class N, class C>
using RowFed = moe::SegmentMoE<S, Source, R, N, C, Expert, moe::RowInput>;

template <class S, class Source, class R, class N, class C>
auto staged_forward(const RowFed<S, Source, R, N, C>& layer, const Context& context, ConstView x_TD,
                    const moe::Batch& batch, Stopwatch& watch) {
  typename RowFed<S, Source, R, N, C>::Saved saved{{}, x_TD, layer.decide(context, x_TD, batch), {}};
  watch.lap(Part::router);
  auto plan = Cpu::group_by_expert(context, saved.routed.chosen);
  watch.lap(Part::dispatch);
  const auto stats = layer.account(context, saved.routed, plan.offsets);
  watch.lap(Part::router);
  auto [y_TD, mix_saved] =
      staged_mix(context, layer.bank.span(), x_TD, std::move(plan), std::as_const(saved.routed.gates).view(), watch);
  saved.mix = std::move(mix_saved);
  return std::pair(std::move(y_TD), std::move(saved));
}

template <class S, class Source, class R, class N, class C>
Tensor staged_backward(const RowFed<S, Source, R, N, C>& layer, const Context& context, ConstView d_y_TD,
                       moe::AuxiliaryGradient, typename RowFed<S, Source, R, N, C>::Saved saved,
                       RowFed<S, Source, R, N, C>& gradient, Stopwatch& watch) {
  auto [d_x_TD, d_gates_TE] = staged_mix_back(context, layer.bank.span(), d_y_TD, saved.x_TD, std::move(saved.mix),
                                              gradient.bank.span(), watch);
  layer.decision_back(context, std::move(d_gates_TE), {}, saved.routed, gradient, d_x_TD.view());
  watch.lap(Part::router_back);
  return std::move(d_x_TD);
}

template <class S, class Source, class R, class N, class C>
Tensor staged_infer(const RowFed<S, Source, R, N, C>& layer, const Context& context, ConstView x_TD,
                    const moe::Batch& batch, Stopwatch& watch) {
  const auto routed = layer.decide_for_inference(context, x_TD, batch);
  watch.lap(Part::router);
  const auto plan = Cpu::group_by_expert(context, routed.chosen);
  auto y_TD = staged_mix_infer(context, layer.bank.span(), x_TD, plan, routed.gates.view(), watch);
  // infer drops them, but has them made.
  const auto gates_TE = layer.gates_of_rows(context, routed);
  watch.lap(Part::router);
  return y_TD;
}

}  // namespace moe_bench
