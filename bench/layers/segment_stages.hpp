/// SegmentMoE, call by call, with the time of each part. A test holds it to the layer's bits.
#pragma once

#include <utility>

#include "bench/layers/mix_stages.hpp"
#include "moe/layers/segment_moe.hpp"

namespace moe_bench {

namespace detail {

template <class Layer>
typename Layer::Cut cut(const Layer& layer, const Context& context, const moe::Batch& batch) {
  typename Layer::Cut cut{moe::cut_into_segments(layer.segmenter, batch), {}, {}, {}};
  cut.begin_1V = moe::upload_indices<Cpu>(context, cut.segments.begin);
  cut.opens_1V = moe::upload_indices<Cpu>(context, cut.segments.opens_sequence);
  cut.of_row_1T = moe::upload_indices<Cpu>(context, cut.segments.of_row);
  return cut;
}

/// What each segment is routed by.
template <class Layer>
Tensor routed_by(const Layer& layer, const Context& context, ConstView x_TD, const typename Layer::Cut& cut) {
  auto means_VD = Tensor::uninitialized(context, cut.segments.count(), x_TD.cols);
  Cpu::segment_means(context, x_TD, cut.segments.begin, means_VD.view());
  return layer.source.forward(context, std::move(means_VD), cut.opens_1V);
}

template <class Value, class Cut>
moe::Matrix<Value, Cpu> spread(const Context& context, const moe::Matrix<Value, Cpu>& values_VE, const Cut& cut) {
  return moe::repeat_over_rows<Value, Cpu>(context, values_VE.view(), cut.of_row_1T.view());
}

}  // namespace detail

template <class S, class Source, class R, class N, class C>
auto staged_forward(const moe::SegmentMoE<S, Source, R, N, C, Expert>& layer, const Context& context, ConstView x_TD,
                    const moe::Batch& batch, Stopwatch& watch) {
  typename moe::SegmentMoE<S, Source, R, N, C, Expert>::Saved saved;
  saved.x_TD = x_TD;
  saved.cut = detail::cut(layer, context, batch);
  saved.u_VD = detail::routed_by(layer, context, x_TD, saved.cut);
  saved.decision = layer.gating.decide_in_training(context, saved.u_VD, {});
  saved.gates_TE = detail::spread(context, saved.decision.gates_RE, saved.cut);
  watch.lap(Part::router);
  auto plan = Cpu::group_by_expert(context, detail::spread(context, saved.decision.choice.chosen_RE, saved.cut));
  auto [y_TD, mix_saved] =
      staged_mix(context, layer.bank.span(), x_TD, std::move(plan), std::as_const(saved.gates_TE).view(), watch);
  saved.mix = std::move(mix_saved);
  return std::pair(std::move(y_TD), std::move(saved));
}

/// For fusions that have no gradient of the gates' sum.
template <class S, class Source, class R, class N, class C>
Tensor staged_backward(const moe::SegmentMoE<S, Source, R, N, C, Expert>& layer, const Context& context,
                       ConstView d_y_TD, moe::AuxiliaryGradient,
                       typename moe::SegmentMoE<S, Source, R, N, C, Expert>::Saved saved,
                       moe::SegmentMoE<S, Source, R, N, C, Expert>& gradient, Stopwatch& watch) {
  auto [d_x_TD, d_gates_TE] =
      staged_mix_back(context, layer.bank.span(), d_y_TD, std::move(saved.mix), gradient.bank.span(), watch);
  const auto d_gates_VE = moe::repeat_over_rows_back<float, Cpu>(context, std::as_const(d_gates_TE).view(),
                                                                 std::as_const(saved.cut.begin_1V).view());
  const auto d_logits_VE = layer.gating.normalizer_back(context, d_gates_VE, saved.decision);
  auto d_u_VD = layer.gating.gate.backward(context, d_logits_VE, saved.u_VD, gradient.gating.gate);
  const auto d_means_VD = layer.source.backward(context, std::move(d_u_VD), saved.cut.opens_1V, gradient.source);
  Cpu::add_segment_means_back(context, d_means_VD, saved.cut.segments.begin, d_x_TD.view());
  watch.lap(Part::router_back);
  return std::move(d_x_TD);
}

template <class S, class Source, class R, class N, class C>
Tensor staged_infer(const moe::SegmentMoE<S, Source, R, N, C, Expert>& layer, const Context& context, ConstView x_TD,
                    const moe::Batch& batch, Stopwatch& watch) {
  const auto cut = detail::cut(layer, context, batch);
  const auto decision = layer.gating.decide_in_inference(context, detail::routed_by(layer, context, x_TD, cut), {});
  const auto gates_TE = detail::spread(context, decision.gates_RE, cut);
  watch.lap(Part::router);
  const auto plan = Cpu::group_by_expert(context, detail::spread(context, decision.choice.chosen_RE, cut));
  return staged_mix_infer(context, layer.bank.span(), x_TD, plan, gates_TE.view(), watch);
}

}  // namespace moe_bench
