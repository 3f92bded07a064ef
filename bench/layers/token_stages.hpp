/// TokenMoE, call by call, with the time of each part. A test holds it to the layer's bits.
#pragma once

#include <utility>

#include "bench/layers/mix_stages.hpp"
#include "moe/layers/token_moe.hpp"

namespace moe_bench {

/// Layers without a path beside the routed experts.
template <class R, class N, class C, class Bal>
using RoutedOnly = moe::TokenMoE<R, N, C, Expert, moe::NoAlwaysOn, Bal>;

template <class R, class N, class C, class Bal>
auto staged_forward(const RoutedOnly<R, N, C, Bal>& layer, const Context& context, ConstView x_TD,
                    const moe::Batch& batch, Stopwatch& watch) {
  typename RoutedOnly<R, N, C, Bal>::Saved saved{{}, x_TD, layer.decide(context, x_TD, batch), {}, {}};
  watch.lap(Part::router);
  auto plan = Cpu::group_by_expert(context, saved.routed.decision.kept());
  watch.lap(Part::dispatch);
  const auto stats = layer.account(context, saved.routed, layer.begin_losses(context, saved.routed), plan.offsets);
  watch.lap(Part::router);
  auto [y_TD, mix_saved] = staged_mix(context, layer.bank.span(), x_TD, std::move(plan),
                                      std::as_const(saved.routed.decision.gates_RE).view(), watch);
  saved.mix = std::move(mix_saved);
  return std::pair(std::move(y_TD), std::move(saved));
}

template <class R, class N, class C, class Bal>
Tensor staged_backward(const RoutedOnly<R, N, C, Bal>& layer, const Context& context, ConstView d_y_TD,
                       moe::AuxiliaryGradient d_stats, typename RoutedOnly<R, N, C, Bal>::Saved saved,
                       RoutedOnly<R, N, C, Bal>& gradient, Stopwatch& watch) {
  auto [d_x_TD, d_gates_TE] = staged_mix_back(context, layer.bank.span(), d_y_TD, saved.x_TD, std::move(saved.mix),
                                              gradient.bank.span(), watch);
  layer.decision_back(context, d_gates_TE, d_stats, saved.routed, saved.x_TD, gradient, d_x_TD.view());
  watch.lap(Part::router_back);
  return std::move(d_x_TD);
}

template <class R, class N, class C, class Bal>
Tensor staged_infer(const RoutedOnly<R, N, C, Bal>& layer, const Context& context, ConstView x_TD,
                    const moe::Batch& batch, Stopwatch& watch) {
  const auto decision = layer.decide_for_inference(context, x_TD, {batch.tokens, batch.languages}).decision;
  watch.lap(Part::router);
  const auto plan = Cpu::group_by_expert(context, decision.kept());
  return staged_mix_infer(context, layer.bank.span(), x_TD, plan, decision.gates_RE.view(), watch);
}

template <class R, class N, class C, class Bal>
Tensor staged_decode(const RoutedOnly<R, N, C, Bal>& layer, const Context& context, ConstView x_BD,
                     moe::NoDecodingState&, Stopwatch& watch) {
  return staged_infer(layer, context, x_BD, moe::Batch::sequences(x_BD.rows, 1), watch);
}

}  // namespace moe_bench
