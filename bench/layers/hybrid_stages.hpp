/// HybridMoE that joins its levels, call by call: each level's decision, the fusion's scaling of their gates, and one
/// run over all experts. A test holds it to the layer's bits.
#pragma once

#include <utility>

#include "bench/layers/mix_stages.hpp"
#include "moe/layers/hybrid_moe.hpp"

namespace moe_bench {

template <class Layer>
concept JoinedHybrid = Layer::joins_levels;

namespace detail {

/// Both levels' experts, the token level's first.
template <class Layer>
moe::ExpertSpan<const Expert> experts_of(const Layer& layer) {
  return {layer.token.bank.span(), layer.segment.bank.span()};
}

template <class TokenRouted, class SegmentRouted>
moe::Plan<Cpu> join_plans(const Context& context, const TokenRouted& by_token, const SegmentRouted& by_segment) {
  return Cpu::group_by_expert(
      context, moe::side_by_side<moe::Rank, Cpu>(context, by_token.decision.kept(), by_segment.chosen.view()));
}

}  // namespace detail

template <class Token, class Segment, class F>
requires JoinedHybrid<moe::HybridMoE<Token, Segment, F>>
auto staged_forward(const moe::HybridMoE<Token, Segment, F>& layer, const Context& context, ConstView x_TD,
                    const moe::Batch& batch, Stopwatch& watch) {
  using Layer = moe::HybridMoE<Token, Segment, F>;
  typename Layer::JoinedSaved saved{
      layer.token.decide(context, x_TD, batch), layer.segment.decide(context, x_TD, batch), {}, {}, {}};
  watch.lap(Part::router);
  saved.mass_1T = moe::sum_of_gates<float, Cpu>(context, std::as_const(saved.segment.gates).view());
  saved.scale_T2 = layer.fusion.template scales<float, Cpu>(context, std::as_const(saved.mass_1T).view());
  const auto gates_TE = moe::scaled_side_by_side<float, Cpu>(
      context, std::as_const(saved.token.decision.gates_RE).view(), std::as_const(saved.segment.gates).view(),
      std::as_const(saved.scale_T2).view());
  watch.lap(Part::fusion);
  auto plan = detail::join_plans(context, saved.token, saved.segment);
  watch.lap(Part::dispatch);
  const Index of_token = layer.token.bank.count();
  const auto token_stats = layer.token.account(context, saved.token, layer.token.begin_losses(context, saved.token),
                                               {plan.offsets.data(), of_token + 1});
  const auto segment_stats =
      layer.segment.account(context, saved.segment, {plan.offsets.data() + of_token, layer.segment.bank.count() + 1});
  watch.lap(Part::router);
  auto [y_TD, mix_saved] =
      staged_mix(context, detail::experts_of(layer), x_TD, std::move(plan), gates_TE.view(), watch);
  saved.mix = std::move(mix_saved);
  return std::pair(std::move(y_TD), typename Layer::Saved{{}, x_TD, std::move(saved)});
}

template <class Token, class Segment, class F>
requires JoinedHybrid<moe::HybridMoE<Token, Segment, F>> Tensor
staged_backward(const moe::HybridMoE<Token, Segment, F>& layer, const Context& context, ConstView d_y_TD,
                moe::AuxiliaryGradient d_stats, typename moe::HybridMoE<Token, Segment, F>::Saved consumed,
                moe::HybridMoE<Token, Segment, F>& gradient, Stopwatch& watch) {
  auto saved = std::move(consumed.levels);
  const ConstView scale_T2 = std::as_const(saved.scale_T2).view(), mass_1T = std::as_const(saved.mass_1T).view();
  auto [d_x_TD, d_gates_TE] =
      staged_mix_back(context, detail::experts_of(layer), d_y_TD, consumed.x_TD, std::move(saved.mix),
                      moe::ExpertSpan<Expert>(gradient.token.bank.span(), gradient.segment.bank.span()), watch);
  auto d = moe::scaled_side_by_side_back<float, Cpu>(context, std::as_const(d_gates_TE).view(),
                                                     std::as_const(saved.token.decision.gates_RE).view(),
                                                     std::as_const(saved.segment.gates).view(), scale_T2);
  const auto d_mass_1T = layer.fusion.template scales_back<float, Cpu>(
      context, mass_1T, scale_T2, std::as_const(d.d_scale_T2).view(), gradient.fusion);
  if (!d_mass_1T.empty()) moe::add_sum_of_gates_back<float, Cpu>(context, d_mass_1T.view(), d.d_b_TE.view());
  watch.lap(Part::fusion_back);
  layer.segment.decision_back(context, std::move(d.d_b_TE), {}, saved.segment, gradient.segment, d_x_TD.view());
  layer.token.decision_back(context, d.d_a_TE, d_stats, saved.token, consumed.x_TD, gradient.token, d_x_TD.view());
  watch.lap(Part::router_back);
  return std::move(d_x_TD);
}

template <class Token, class Segment, class F>
requires JoinedHybrid<moe::HybridMoE<Token, Segment, F>> Tensor
staged_infer(const moe::HybridMoE<Token, Segment, F>& layer, const Context& context, ConstView x_TD,
             const moe::Batch& batch, Stopwatch& watch) {
  const auto by_token = layer.token.decide_for_inference(context, x_TD, {batch.tokens, batch.languages});
  const auto by_segment = layer.segment.decide_for_inference(context, x_TD, batch);
  watch.lap(Part::router);
  const auto mass_1T = moe::sum_of_gates<float, Cpu>(context, by_segment.gates.view());
  const auto scale_T2 = layer.fusion.template scales<float, Cpu>(context, mass_1T.view());
  const auto gates_TE = moe::scaled_side_by_side<float, Cpu>(context, by_token.decision.gates_RE.view(),
                                                             by_segment.gates.view(), scale_T2.view());
  watch.lap(Part::fusion);
  const auto plan = detail::join_plans(context, by_token, by_segment);
  return staged_mix_infer(context, detail::experts_of(layer), x_TD, plan, gates_TE.view(), watch);
}

}  // namespace moe_bench
