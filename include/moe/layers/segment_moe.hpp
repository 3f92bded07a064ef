#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/segments.hpp"
#include "moe/modules/expert_bank.hpp"
#include "moe/modules/gating.hpp"
#include "moe/modules/segment_source.hpp"
#include "moe/ops/mix.hpp"
#include "moe/ops/segment.hpp"

namespace moe {

/// Sequences are cut into segments, each segment is routed once by its Source (eqs. 3, 4), and all of its rows go to
/// the experts that chose it: y_t = sum_e G[e, v(t)] E_e(x_t) (eq. 5 over tokens); 0 where no expert chose the segment.
///
/// Weights: gate.weight [E, D], experts.e.*, and the source's; buffers: thresholds where the inference router has them.
template <class S, class Source, class R, class N, class C, class X>
class SegmentMoE {
  static_assert(
      Segmenter<S>,
      "SegmentMoE: 1st argument must be a Segmenter: bool ends_after(Index length, std::int32_t token) const");
  static_assert(Router<R>, "SegmentMoE: 3rd argument must be a Router: choose(Row<const Real>, Row<Rank>) const");
  static_assert(
      GateNormalizer<N>,
      "SegmentMoE: 4th argument must be a GateNormalizer: normalize(logits_E, chosen_E, gates_E) const and backward");
  static_assert(Capacity<C>, "SegmentMoE: 5th argument must be a Capacity: Index rows_per_expert(Demand) const");
  static_assert(Expert<X>, "SegmentMoE: 6th argument must be an Expert such as SwiGlu<float, Cpu<>>");

 public:
  using Value = typename X::Value;
  using Backend = typename X::Backend;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using Indices = Matrix<Index, Backend>;
  using ConstView = View<const Value, Backend>;
  using ExpertType = X;
  template <class Other>
  using rebind = SegmentMoE<S, typename Source::template rebind<Other>, R, N, C, typename X::template rebind<Other>>;

  static constexpr bool is_causal = Source::is_causal && router_is_causal<R>;
  static constexpr bool is_batch_independent = router_is_batch_independent<R>;

  /// What the run observed. load[e]: rows expert e worked on.
  struct Stats {
    std::vector<Index> load;
    Tensor boundary_1E;

    /// Expert choice is balanced by construction: no loss.
    double balance_loss() const { return 0; }
  };
  /// The batch's segments, on the host and on the backend.
  struct Cut {
    Segments segments;
    Indices begin_1V, opens_1V, of_row_1T;
  };
  struct Saved {
    Tensor x_owned;
    ConstView x_TD;
    Cut cut;
    Tensor u_VD;
    Decision<Value, Backend> decision;
    Tensor gates_TE;
    MixSaved<X> mix;
  };
  /// Who works on which row, and what the decision came from.
  struct Planned {
    moe::Plan<Backend> plan;
    Cut cut;
    Tensor u_VD;
    Decision<Value, Backend> decision;
    Tensor gates_TE;
    Stats stats;
  };
  /// Where every sequence stands within its segment, and who works on it.
  struct DecodingState {
    std::vector<Index> length;
    std::vector<Index> opens;
    Tensor sum_BD, previous_BD, gates_BE;
    Matrix<Rank, Backend> chosen_BE;
  };

  S segmenter;
  Source source;
  Gating<R, N, C, Value, Backend> gating;
  ExpertBank<X> bank;

  SegmentMoE() = default;
  SegmentMoE(S segmenter_, Source source_, R router, N normalizer, C capacity, ExpertBank<X> experts)
      : segmenter(segmenter_),
        source(std::move(source_)),
        gating(router, normalizer, capacity, experts.width(), experts.count()),
        bank(std::move(experts)) {}

  Index width() const { return gating.gate.in(); }

  Planned plan(const Context& context, ConstView x_TD, const Batch& batch) const {
    Planned planned;
    planned.cut = cut(context, batch);
    planned.u_VD = inputs(context, x_TD, planned.cut);
    planned.decision = gating.decide_in_training(context, planned.u_VD, {});
    planned.gates_TE = spread<Value>(context, planned.decision.gates_RE, planned.cut);
    planned.plan =
        Backend::group_by_expert(context, spread<Rank>(context, planned.decision.choice.chosen_RE, planned.cut));
    for (std::size_t e = 0; e + 1 < planned.plan.offsets.size(); ++e)
      planned.stats.load.push_back(planned.plan.offsets[e + 1] - planned.plan.offsets[e]);
    if (planned.cut.segments.count() > 0) planned.stats.boundary_1E = std::move(planned.decision.choice.boundary_1E);
    return planned;
  }

  Forward<Tensor, Saved, Stats> run(const Context& context, ConstView x_TD, Planned planned) const {
    auto [y_TD, mix_saved] =
        mix<X>(context, bank.span(), x_TD, std::move(planned.plan), std::as_const(planned.gates_TE).view());
    return {std::move(y_TD),
            {{},
             x_TD,
             std::move(planned.cut),
             std::move(planned.u_VD),
             std::move(planned.decision),
             std::move(planned.gates_TE),
             std::move(mix_saved)},
            std::move(planned.stats)};
  }

  /// x_TD -> y_TD. The view's memory must outlive `saved`. Throws Error when x's columns or the batch's rows do not
  /// fit.
  Forward<Tensor, Saved, Stats> forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("SegmentMoE::forward", x_TD, batch);
    return run(context, x_TD, plan(context, x_TD, batch));
  }
  /// The same for a matrix that `saved` is to keep.
  Forward<Tensor, Saved, Stats> forward(const Context& context, Tensor&& x_TD, const Batch& batch) const {
    auto result = forward(context, std::as_const(x_TD).view(), batch);
    result.saved.x_owned = std::move(x_TD);
    return result;
  }

  /// d_y_TD -> d_x_TD; adds into `gradient`, skipping its empty tensors. d_mass_1T is the gradient of each row's sum of
  /// gates, for fusions that use it; empty: none.
  Tensor backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient, Saved saved, SegmentMoE& gradient,
                  ConstView d_mass_1T = {}) const {
    require(d_y_TD.rows == saved.x_TD.rows && d_y_TD.cols == saved.x_TD.cols, "SegmentMoE::backward", "d_y is ",
            d_y_TD.rows, " x ", d_y_TD.cols, ", x was ", saved.x_TD.rows, " x ", saved.x_TD.cols);
    auto [d_x_TD, d_gates_TE] = mix_back<X>(context, bank.span(), d_y_TD, std::move(saved.mix), gradient.bank.span());
    if (!d_mass_1T.empty())
      Backend::for_each(context, d_gates_TE.rows(), [=, d = d_gates_TE.view()] MOE_HOST_DEVICE(Index t) {
        for (Index e = 0; e < d.cols; ++e) d(t, e) += d_mass_1T(0, t);
      });
    const auto d_gates_VE = repeat_over_rows_back<Value, Backend>(context, std::as_const(d_gates_TE).view(),
                                                                  std::as_const(saved.cut.begin_1V).view());
    const auto d_logits_VE = gating.normalizer_back(context, d_gates_VE, saved.decision);
    auto d_u_VD = gating.gate.backward(context, d_logits_VE, saved.u_VD, gradient.gating.gate);
    const auto d_means_VD = source.backward(context, std::move(d_u_VD), saved.cut.opens_1V, gradient.source);
    Backend::add_segment_means_back(context, d_means_VD, saved.cut.segments.begin, d_x_TD.view());
    return std::move(d_x_TD);
  }

  /// forward with the inference router and nothing kept.
  Tensor infer(const Context& context, ConstView x_TD, const Batch& batch) const {
    return infer_with_gates(context, x_TD, batch).first;
  }
  /// The output and, for each row, the gates of its segment.
  std::pair<Tensor, Tensor> infer_with_gates(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("SegmentMoE::infer", x_TD, batch);
    const auto cut = this->cut(context, batch);
    const auto decision = gating.decide_in_inference(context, inputs(context, x_TD, cut), {});
    auto gates_TE = spread<Value>(context, decision.gates_RE, cut);
    const auto plan = Backend::group_by_expert(context, spread<Rank>(context, decision.choice.chosen_RE, cut));
    auto y_TD = mix_infer<X>(context, bank.span(), x_TD, plan, std::as_const(gates_TE).view());
    return {std::move(y_TD), std::move(gates_TE)};
  }

  DecodingState begin_decoding(const Context& context, Index sequences) const requires(is_causal) {
    const auto count = static_cast<std::size_t>(sequences);
    return {std::vector<Index>(count, 0),
            std::vector<Index>(count, 1),
            Tensor::zeros(context, sequences, width()),
            Tensor::zeros(context, sequences, width()),
            Tensor::zeros(context, sequences, bank.count()),
            Matrix<Rank, Backend>::zeros(context, sequences, bank.count())};
  }
  /// One more row of each sequence: the same numbers as infer over the whole sequences, up to the rounding of products
  /// with fewer rows. tokens_B is empty or has an id for each row. state.gates_BE tells the gates the rows met.
  Tensor decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                DecodingState& state) const requires(is_causal) {
    require(x_BD.cols == width(), "SegmentMoE::decode", "x has ", x_BD.cols, " columns, the gate expects ", width());
    require(x_BD.rows == state.sum_BD.rows(), "SegmentMoE::decode", "x has ", x_BD.rows, " rows, the state has ",
            state.sum_BD.rows(), " sequences");
    require(tokens_B.empty() || static_cast<Index>(tokens_B.size()) == x_BD.rows, "SegmentMoE::decode", "x has ",
            x_BD.rows, " rows, there are ", tokens_B.size(), " token ids");
    route_new_segments(context, state);
    const auto plan = Backend::group_by_expert(context, state.chosen_BE);
    auto y_BD = mix_infer<X>(context, bank.span(), x_BD, plan, std::as_const(state.gates_BE).view());
    advance(context, x_BD, tokens_B, state);
    return y_BD;
  }

  /// Learns what a training step observed outside gradients. Once for each micro-batch of a step that was taken.
  void absorb(const Context& context, const Stats& stats) { gating.absorb(context, stats.boundary_1E); }

  SegmentMoE structure() const {
    SegmentMoE tree;
    tree.segmenter = segmenter;
    tree.source = source.structure();
    tree.gating = gating.structure();
    tree.bank = bank.structure();
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    decltype(gating)::visit_parameters(visit, prefix, trees.gating...);
    Source::visit_parameters(visit, prefix, trees.source...);
    ExpertBank<X>::visit_parameters(visit, prefix, trees.bank...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    decltype(gating)::visit_buffers(visit, prefix, trees.gating...);
  }

 private:
  void check(std::string_view where, ConstView x_TD, const Batch& batch) const {
    require(x_TD.cols == width(), where, "x has ", x_TD.cols, " columns, the gate expects ", width());
    require_batch(batch, x_TD.rows, where);
  }

  Cut cut(const Context& context, const Batch& batch) const {
    Cut result{cut_into_segments(segmenter, batch), {}, {}, {}};
    result.begin_1V = upload_indices<Backend>(context, result.segments.begin);
    result.opens_1V = upload_indices<Backend>(context, result.segments.opens_sequence);
    result.of_row_1T = upload_indices<Backend>(context, result.segments.of_row);
    return result;
  }
  /// u_VD: what each segment is routed by.
  Tensor inputs(const Context& context, ConstView x_TD, const Cut& cut) const {
    auto means_VD = Tensor::uninitialized(context, cut.segments.count(), x_TD.cols);
    Backend::segment_means(context, x_TD, cut.segments.begin, means_VD.view());
    return source.forward(context, std::move(means_VD), cut.opens_1V);
  }
  template <class V>
  static Matrix<V, Backend> spread(const Context& context, const Matrix<V, Backend>& values_VE, const Cut& cut) {
    return repeat_over_rows<V, Backend>(context, values_VE.view(), cut.of_row_1T.view());
  }

  void route_new_segments(const Context& context, DecodingState& state) const {
    const Indices opens_1B = upload_indices<Backend>(context, state.opens);
    const Indices length_1B = upload_indices<Backend>(context, state.length);
    const auto u_BD = source.for_decoding(context, std::as_const(state.previous_BD).view(), opens_1B);
    const auto decision = gating.decide_in_inference(context, u_BD, {});
    Backend::for_each(
        context, u_BD.rows(),
        [length = length_1B.view(), gates_BE = state.gates_BE.view(), chosen_BE = state.chosen_BE.view(),
         new_gates = decision.gates_RE.view(), new_chosen = decision.choice.chosen_RE.view()] MOE_HOST_DEVICE(Index b) {
          if (length(0, b) != 0) return;
          for (Index e = 0; e < gates_BE.cols; ++e) {
            gates_BE(b, e) = new_gates(b, e);
            chosen_BE(b, e) = new_chosen(b, e);
          }
        });
  }
  void advance(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
               DecodingState& state) const {
    std::vector<Index> closes(state.length.size());
    for (std::size_t b = 0; b < closes.size(); ++b) {
      closes[b] = segmenter.ends_after(++state.length[b], tokens_B.empty() ? -1 : tokens_B[b]) ? state.length[b] : 0;
      if (closes[b] == 0) continue;
      state.length[b] = 0;
      state.opens[b] = 0;
    }
    const Indices closes_1B = upload_indices<Backend>(context, closes);
    Backend::for_each(context, x_BD.rows,
                      [x_BD, closes_ = closes_1B.view(), sum = state.sum_BD.view(),
                       previous = state.previous_BD.view()] MOE_HOST_DEVICE(Index b) {
                        const Index length = closes_(0, b);
                        for (Index d = 0; d < x_BD.cols; ++d) {
                          sum(b, d) += x_BD(b, d);
                          if (length == 0) continue;
                          previous(b, d) = sum(b, d) / static_cast<Value>(length);
                          sum(b, d) = 0;
                        }
                      });
  }
};

}  // namespace moe
