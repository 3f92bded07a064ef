#pragma once

#include <algorithm>
#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/entry.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/misuse.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/segments.hpp"
#include "moe/core/settings.hpp"
#include "moe/core/trees.hpp"
#include "moe/experts/expert_bank.hpp"
#include "moe/experts/moe_ffn.hpp"
#include "moe/ops/add.hpp"
#include "moe/ops/scale.hpp"
#include "moe/ops/upload_indices.hpp"
#include "moe/routing/gating.hpp"
#include "moe/routing/segmenter/segmenter.hpp"
#include "moe/routing/source/segment_source.hpp"
#include "moe/routing/source/segment_sources.hpp"
#include "moe/routing/steps/choose.hpp"
#include "moe/routing/steps/drop.hpp"
#include "moe/routing/steps/segment.hpp"

namespace moe {

/// Segment experts work on every row of the segments they chose.
struct RowInput {
  /// Experts read rows of x.
  static constexpr bool pooled = false;
};
/// Segment experts work on the one row that the segment is routed by.
struct PooledInput {
  /// Experts read one row a segment.
  static constexpr bool pooled = true;
};

/// Sequences are cut into segments, each segment is routed once by its Source (eqs. 3, 4), and all of its rows go to
/// the experts that chose it: y_t = sum_e G[e, v(t)] E_e(x_t) (eq. 5 over tokens); 0 where no expert chose the segment.
/// With Feed = PooledInput the experts see what the segment is routed by instead, and all rows get the answer: y_t =
/// sum_e G[e, v(t)] E_e(u_v(t)) (eq. 5 to the letter).
///
/// Weights: gate.weight [E, D], experts.e.*, and the source's; buffers: thresholds where the inference router has them.
template <class S, class Source, class R, class N, class C, class X, class Feed = RowInput>
class SegmentMoE {
  static_assert(
      Segmenter<S>,
      "SegmentMoE: 1st argument must be a Segmenter: bool ends_after(Index length, std::int32_t token) const");
  static_assert(Router<R>, "SegmentMoE: 3rd argument must be a Router: choose(Row<const Real>, Row<Rank>) const");
  static_assert(!NeedsRowFacts<typename RoutingOf<R>::Train> && !NeedsRowFacts<typename RoutingOf<R>::Infer>,
                "SegmentMoE: 3rd argument must be a router of logits; a segment has no token id and no language");
  static_assert(
      GateNormalizer<N>,
      "SegmentMoE: 4th argument must be a GateNormalizer: normalize(logits_E, chosen_E, gates_E) const and backward");
  static_assert(Capacity<C>, "SegmentMoE: 5th argument must be a Capacity: Index rows_per_expert(Demand) const");
  static_assert(Expert<X>, "SegmentMoE: 6th argument must be an ExpertBank of Experts such as SwiGlu<float, Cpu<>>");
  static_assert(
      !OpensAlike<Source> || !TakesShares<typename RoutingOf<R>::Train> ||
          ContextMatrixRouter<typename RoutingOf<R>::Train>,
      "SegmentMoE: 3rd argument must be a router that takes a RowsContext: this source routes all first "
      "segments by one row, and experts that take rows must take these together, as those of ExpertChoice do");
  static_assert(
      SegmentSource<Source, typename X::Value, typename X::Backend>,
      "SegmentMoE: 2nd argument must be a SegmentSource of the experts' value type and backend, such as OwnMean");

 public:
  using Value = typename X::Value;
  using Backend = typename X::Backend;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  /// Indices on the backend.
  using Indices = Matrix<Index, Backend>;
  using ConstView = View<const Value, Backend>;
  /// What routing is computed and kept in.
  using Real = Wide<Value>;
  /// A matrix of it.
  using RealTensor = Matrix<Real, Backend>;
  using ExpertType = X;
  template <class Other>
  using rebind =
      SegmentMoE<S, typename Source::template rebind<Other>, R, N, C, typename X::template rebind<Other>, Feed>;
  /// What sums a segment up.
  using Pool = typename Source::Pool;

  static constexpr bool is_causal =
      Source::is_causal && router_is_causal<R> && !Gating<R, N, C, Real, Backend>::drops_in_inference;
  static constexpr bool is_batch_independent =
      router_is_batch_independent<R> && !Gating<R, N, C, Real, Backend>::drops_in_inference;
  /// Whether experts work on x's rows, so that a pass over rows can include them.
  static constexpr bool feeds_rows = !Feed::pooled;

  /// What the run observed. load[e]: rows expert e worked on, or segments where it is fed with those; dropped[e]:
  /// segments it could not take, empty where the capacity never drops.
  struct Stats {
    /// Rows or segments of each expert.
    std::vector<Index> load;
    /// Segments that each expert could not take.
    std::vector<Index> dropped;
    /// What thresholds learn from; empty where no boundary was drawn.
    RealTensor boundary_1E;

    /// Expert choice is balanced by construction: no losses.
    double balance_loss() const { return 0; }
    double z_loss() const { return 0; }
  };
  /// The batch's segments, on the host and on the backend.
  struct Cut {
    /// In host memory.
    Segments segments;
    /// The lists of Segments on the backend.
    Indices begin_1V, opens_1V, of_row_1T;
  };
  /// Who and how much, and what its backward needs. chosen and gates are those of rows, or of segments where experts
  /// are fed with those.
  struct Routed {
    /// Where segments begin and end.
    Cut cut;
    /// What the pooling's backward needs.
    typename Pool::template Saved<Value, Backend> pooled;
    /// What each segment is routed by.
    RealTensor u_VD;
    /// The same as experts read it; empty where they are fed with rows, or keep what routing is computed in.
    Tensor fed_VD;
    /// Logits, choice and gates of the segments.
    Decision<Real, Backend> decision;
    /// Ranks of what experts are fed with, 0 where dropped.
    Matrix<Rank, Backend> chosen;
    /// Gates of what experts are fed with, 0 where dropped.
    RealTensor gates;
  };
  /// What backward consumes.
  struct Saved {
    Tensor x_owned;
    ConstView x_TD;
    /// The decision.
    Routed routed;
    MixSaved<X> mix;
  };
  /// Who works on what, and what the decision came from.
  struct Planned {
    /// The pairs (row, expert).
    moe::Plan<Backend> plan;
    /// What the plan came from.
    Routed routed;
    /// What the decision observed.
    Stats stats;
  };
  /// Where every sequence stands within its segment, and who works on it.
  struct DecodingState {
    /// Rows of the current segment so far, for each sequence.
    std::vector<Index> length;
    /// 1 while the current segment is its sequence's first.
    std::vector<Index> opens;
    /// The pooling so far.
    RealTensor so_far_BD;
    /// The pooled segment before.
    RealTensor previous_BD;
    /// What the current segment is routed by.
    RealTensor u_BD;
    /// The gates of the current segment.
    RealTensor gates_BE;
    /// Who works on the current segments.
    Matrix<Rank, Backend> chosen_BE;

    /// Takes in the sequences of `more`, behind its own. Changes nothing when it throws: Error for the state of another
    /// layer.
    void join(const Context& context, const DecodingState& more) {
      require(so_far_BD.cols() == more.so_far_BD.cols() && gates_BE.cols() == more.gates_BE.cols(),
              "DecodingState::join", "both states must be of layers with as many columns and experts, got ",
              so_far_BD.cols(), " and ", more.so_far_BD.cols(), " columns, ", gates_BE.cols(), " and ",
              more.gates_BE.cols(), " experts");
      DecodingState both{length,
                         opens,
                         stacked<Real, Backend>(context, so_far_BD, more.so_far_BD),
                         stacked<Real, Backend>(context, previous_BD, more.previous_BD),
                         stacked<Real, Backend>(context, u_BD, more.u_BD),
                         stacked<Real, Backend>(context, gates_BE, more.gates_BE),
                         stacked<Rank, Backend>(context, chosen_BE, more.chosen_BE)};
      both.length.insert(both.length.end(), more.length.begin(), more.length.end());
      both.opens.insert(both.opens.end(), more.opens.begin(), more.opens.end());
      *this = std::move(both);
    }
    /// Only these sequences stay, in this order. Changes nothing when it throws: Error for one that is not there.
    void keep(const Context& context, ListView<Index> sequences) {
      for (const Index b : sequences)
        require(b >= 0 && b < std::ssize(length), "DecodingState::keep", "sequences must lie in [0, ", length.size(),
                "), got ", b);
      const Indices kept_1B = upload_indices<Backend>(context, sequences);
      const auto rows = std::as_const(kept_1B).view();
      DecodingState kept{{},
                         {},
                         repeat_over_rows<Real, Backend>(context, std::as_const(so_far_BD).view(), rows),
                         repeat_over_rows<Real, Backend>(context, std::as_const(previous_BD).view(), rows),
                         repeat_over_rows<Real, Backend>(context, std::as_const(u_BD).view(), rows),
                         repeat_over_rows<Real, Backend>(context, std::as_const(gates_BE).view(), rows),
                         repeat_over_rows<Rank, Backend>(context, std::as_const(chosen_BE).view(), rows)};
      for (const Index b : sequences) {
        kept.length.push_back(length[static_cast<std::size_t>(b)]);
        kept.opens.push_back(opens[static_cast<std::size_t>(b)]);
      }
      *this = std::move(kept);
    }
  };

  /// Cuts sequences (eq. 3).
  S segmenter;
  /// Says by what a segment is routed.
  Source source;
  /// Chooses and weighs experts (eq. 4).
  Gating<R, N, C, Real, Backend> gating;
  /// The experts.
  ExpertBank<X> bank;

  SegmentMoE() = default;
  /// The gate and what the source learns start at 0. Throws Error for a bank without experts and for parts and settings
  /// that do not fit them.
  SegmentMoE(S segmenter_, Source source_, R router, N normalizer, C capacity, ExpertBank<X> experts)
      : segmenter(segmenter_),
        source(std::move(source_)),
        gating(router, normalizer, capacity, experts.width(), experts.count()),
        bank(std::move(experts)) {
    require_consistent("SegmentMoE");
  }

  Index width() const { return gating.gate.in(); }

  /// Throws Error unless weights, buffers and settings fit each other: what every public entry asks, since all of them
  /// may be assigned.
  void require_consistent(std::string_view where) const {
    require(gating.gate.out() == bank.count(), where, "the gate chooses among ", gating.gate.out(),
            " experts, there are ", bank.count());
    bank.require_consistent(where);
    require(width() == bank.width(), where, "the gate reads ", width(), " columns, experts read ", bank.width());
    gating.require_consistent(where);
    require_settings(segmenter, width());
    require_settings(source, width());
  }
  /// Whether this is a decision over so many rows: it is not once it was moved from.
  bool fits(const Routed& routed, Index rows) const {
    const Index segments = routed.cut.segments.count();
    const Index fed_rows = feeds_rows ? rows : segments;
    const auto has_shape = [&](const auto& m) { return m.rows() == fed_rows && m.cols() == bank.count(); };
    return std::ssize(routed.cut.segments.of_row) == rows && routed.cut.begin_1V.cols() == segments + 1 &&
           routed.u_VD.rows() == segments && routed.u_VD.cols() == width() &&
           routed.decision.fits(segments, bank.count()) && has_shape(routed.chosen) && has_shape(routed.gates);
  }
  /// Throws Error unless `saved` is of this layer, as far as shapes tell, and not consumed yet.
  void require_saved(std::string_view where, const Saved& saved) const {
    require_consistent(where);
    const Index rows = saved.x_TD.rows;
    require(
        saved.x_TD.cols == width() && fits(saved.routed, rows) &&
            saved.mix.fits(feeds_rows ? rows : saved.routed.cut.segments.count(), bank.count(), bank.experts.front()),
        where, "`saved` must be what forward of this layer returned, not consumed yet, got one of ", rows, " x ",
        saved.x_TD.cols, " rows with logits of ", saved.routed.decision.logits_RE.rows(), " x ",
        saved.routed.decision.logits_RE.cols());
  }

  // --- the light half: who, and how much ----------------------------------------------------------------------------

  /// Who works on each segment in training, and how much each counts.
  Routed decide(const Context& context, ConstView x_TD, const Batch& batch) const {
    return decide_with(context, x_TD, batch, [&](View<const Real, Backend> u_VD, View<const Index, Backend> alike_1V) {
      return gating.decide_in_training(context, u_VD, RowFacts::of_segments(batch), alike_1V);
    });
  }
  /// The loads of a decision; offsets[e+1] - offsets[e]: what expert e works on.
  Stats account(const Context& context, Routed& routed, ListView<Index> offsets) const {
    begin_phase(context, Phase::router);
    Stats stats;
    stats.load = loads_of(offsets);
    stats.dropped = routed.decision.dropped;
    // Without segments there was no boundary to draw, and thresholds must not follow one.
    if (routed.cut.segments.count() > 0) stats.boundary_1E = std::move(routed.decision.choice.boundary_1E);
    return stats;
  }
  /// What a decision says of loads before they are counted.
  Foreseen foreseen(const Routed& routed) const {
    const Foreseen& of_segments = routed.decision.choice.foreseen;
    const Segments& segments = routed.cut.segments;
    if (!feeds_rows || segments.count() == 0) return of_segments;
    const Index length = segments.begin[1] - segments.begin[0];
    for (std::size_t v = 1; v + 1 < segments.begin.size(); ++v)
      if (segments.begin[v + 1] - segments.begin[v] != length) return {};
    return of_segments.times(length);
  }
  /// For each row, the gates of its segment.
  RealTensor gates_of_rows(const Context& context, const Routed& routed) const {
    return feeds_rows ? routed.gates.copy() : spread<Real>(context, routed.gates, routed.cut);
  }
  /// d_gates (of what experts are fed with) and d_u_VD (empty, or what came back through the experts) -> through
  /// normalizer, gate and source, added to d_x_TD.
  template <class Slopes>
  void decision_back(const Context& context, RealTensor d_gates, Tensor d_fed_VD, const Routed& routed,
                     Slopes& gradient, View<Value, Backend> d_x_TD) const {
    begin_phase(context, Phase::router);
    if constexpr (feeds_rows)
      d_gates = repeat_over_rows_back<Real, Backend>(context, std::as_const(d_gates).view(),
                                                     std::as_const(routed.cut.begin_1V).view());
    if (!routed.decision.dropped.empty())
      zero_where_dropped<Real, Backend>(context, routed.decision.kept().view(), d_gates.view());
    const auto d_logits_VE = gating.normalizer_back(context, d_gates, routed.decision);
    auto d_u_VD = RealTensor::zeros(context, routed.u_VD.rows(), routed.u_VD.cols());
    if (!d_fed_VD.empty()) add_to(context, d_fed_VD, d_u_VD.view());
    gating.add_gate_back(context, std::as_const(d_logits_VE).view(), routed.decision, routed.u_VD.view(),
                         gradient.gating.gate, d_u_VD.view());
    const auto d_pooled_VD = source.backward(context, std::move(d_u_VD), routed.cut.opens_1V, gradient.source);
    Pool::template add_backward<Value, Backend>(context, d_pooled_VD, routed.cut.begin_1V, routed.pooled, d_x_TD);
  }

  // --- both halves --------------------------------------------------------------------------------------------------

  /// The light half in training, and the pairs sorted by expert. Throws Error as forward does.
  Planned plan(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("SegmentMoE::plan", x_TD, batch);
    Planned planned{{}, decide(context, x_TD, batch), {}};
    planned.plan = group(context, planned.routed);
    planned.plan.complete();
    planned.stats = account(context, planned.routed, planned.plan.offsets);
    return planned;
  }

  /// The heavy half (eq. 5): x_TD is what `planned` was made from. Throws Error for one that was made from other rows
  /// or run already.
  Forward<Tensor, Saved, Stats> run(const Context& context, ConstView x_TD, Planned planned) const {
    require_consistent("SegmentMoE::run");
    require_rows("SegmentMoE::run", x_TD, "the gate expects", width());
    require(fits(planned.routed, x_TD.rows) && planned.plan.experts() == bank.count(), "SegmentMoE::run",
            "the plan must be of this layer and of ", x_TD.rows, " rows, got one of ", planned.plan.experts(),
            " experts and ", planned.routed.cut.segments.of_row.size(), " rows");
    auto [y_TD, saved] = answer(context, x_TD, std::move(planned.routed), std::move(planned.plan));
    return {std::move(y_TD), std::move(saved), std::move(planned.stats)};
  }

  /// x_TD -> y_TD. The view's memory must outlive `saved`. Throws Error when x's columns or the batch's rows do not
  /// fit, and when the layer draws random numbers and the batch has no key for them.
  Forward<Tensor, Saved, Stats> forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("SegmentMoE::forward", x_TD, batch);
    Routed routed = decide(context, x_TD, batch);
    auto plan = group(context, routed);
    auto [y_TD, saved] = answer(context, x_TD, std::move(routed), std::move(plan));
    Stats stats = account(context, saved.routed, saved.mix.plan.offsets);
    return {std::move(y_TD), std::move(saved), std::move(stats)};
  }
  /// The same for a matrix that `saved` is to keep.
  Forward<Tensor, Saved, Stats> forward(const Context& context, Tensor&& x_TD, const Batch& batch) const {
    auto result = forward(context, std::as_const(x_TD).view(), batch);
    result.saved.x_owned = std::move(x_TD);
    return result;
  }

  /// d_y_TD -> d_x_TD; adds into `gradient`, skipping its empty tensors. d_mass_1T is the gradient of each row's sum of
  /// gates, for fusions that use it; empty: none. Throws Error when d_y has another shape than x.
  template <detail::SlopesOf<SegmentMoE> Slopes>
  Tensor backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient d_stats, Saved&& consumed,
                  Slopes& gradient, View<const Real, Backend> d_mass_1T = {}) const {
    require_output_gradient("SegmentMoE::backward", d_y_TD, consumed.x_TD, d_stats);
    require_saved("SegmentMoE::backward", consumed);
    require(d_mass_1T.empty() || (d_mass_1T.rows == 1 && d_mass_1T.cols == d_y_TD.rows), "SegmentMoE::backward",
            "d_mass must be 1 x ", d_y_TD.rows, " or empty, got ", d_mass_1T.rows, " x ", d_mass_1T.cols);
    require_gradient("SegmentMoE::backward", *this, gradient);
    Saved saved = std::move(consumed);
    if constexpr (feeds_rows) {
      auto [d_x_TD, d_gates] =
          mix_back<X>(context, bank.span(), d_y_TD, saved.x_TD, std::move(saved.mix), ExpertSpan(gradient.bank.span()));
      if (!d_mass_1T.empty()) add_sum_of_gates_back<Real, Backend>(context, d_mass_1T, d_gates.view());
      decision_back(context, std::move(d_gates), {}, saved.routed, gradient, d_x_TD.view());
      return std::move(d_x_TD);
    } else {
      const auto begin_1V = std::as_const(saved.routed.cut.begin_1V).view();
      const auto d_y_VD = repeat_over_rows_back<Value, Backend>(context, d_y_TD, begin_1V);
      auto [d_fed_VD, d_gates] = mix_back<X>(context, bank.span(), d_y_VD.view(), fed(saved.x_TD, saved.routed),
                                             std::move(saved.mix), ExpertSpan(gradient.bank.span()));
      if (!d_mass_1T.empty()) {
        auto d_mass_T1 = RealTensor::uninitialized(context, d_mass_1T.cols, 1);
        Backend::for_each_element(context, d_mass_1T.cols,
                                  [=, d = d_mass_T1.view()] MOE_ON_DEVICE(Index t) { d(t, 0) = d_mass_1T(0, t); });
        auto d_mass_V1 = repeat_over_rows_back<Real, Backend>(context, d_mass_T1.view(), begin_1V);
        add_sum_of_gates_back<Real, Backend>(context, {d_mass_V1.data(), 1, d_mass_V1.rows()}, d_gates.view());
      }
      auto d_x_TD = Tensor::zeros(context, d_y_TD.rows, d_y_TD.cols);
      decision_back(context, std::move(d_gates), std::move(d_fed_VD), saved.routed, gradient, d_x_TD.view());
      return d_x_TD;
    }
  }

  /// forward with the inference router and nothing kept. Throws Error as forward does.
  Tensor infer(const Context& context, ConstView x_TD, const Batch& batch) const {
    return infer_as(decide_checked(context, x_TD, batch), context, x_TD);
  }
  /// The output and, for each row, the gates of its segment.
  std::pair<Tensor, RealTensor> infer_with_gates(const Context& context, ConstView x_TD, const Batch& batch) const {
    const Routed routed = decide_checked(context, x_TD, batch);
    return {infer_as(routed, context, x_TD), gates_of_rows(context, routed)};
  }
  /// The same by the inference router.
  Routed decide_for_inference(const Context& context, ConstView x_TD, const Batch& batch) const {
    return decide_with(context, x_TD, batch, [&](View<const Real, Backend> u_VD, View<const Index, Backend> alike_1V) {
      return gating.decide_in_inference(context, u_VD, RowFacts::of_segments(batch), alike_1V);
    });
  }

  /// A state in which every sequence is at its first row. Throws Error for a negative number of them.
  DecodingState begin_decoding(const Context& context, Index sequences) const requires(is_causal) {
    require_consistent("SegmentMoE::begin_decoding");
    require(sequences >= 0, "SegmentMoE::begin_decoding", "the number of sequences must not be negative, got ",
            sequences);
    const auto count = static_cast<std::size_t>(sequences);
    return {std::vector<Index>(count, 0),
            std::vector<Index>(count, 1),
            RealTensor::zeros(context, sequences, width()),
            RealTensor::zeros(context, sequences, width()),
            RealTensor::zeros(context, sequences, width()),
            RealTensor::zeros(context, sequences, bank.count()),
            Matrix<Rank, Backend>::zeros(context, sequences, bank.count())};
  }
  /// infer over the first rows of every sequence, which `state`, as begin_decoding() made it, has then read.
  Tensor prefill(const Context& context, ConstView x_TD, const Batch& batch, DecodingState& state) const
      requires(is_causal) {
    auto y_TD = infer(context, x_TD, batch);
    read(context, x_TD, batch, state);
    return y_TD;
  }
  /// The state's half of prefill. It routes once more, which costs little beside the experts, and tells no observer.
  /// Throws Error when columns, rows or sequences do not fit. When it throws, the state is as it was.
  void read(const Context& context, ConstView x_TD, const Batch& batch, DecodingState& state) const
      requires(is_causal) {
    check("SegmentMoE::prefill", x_TD, batch);
    const Index count = state.so_far_BD.rows();
    require_state("SegmentMoE::prefill", state);
    require(batch.count() == count, "SegmentMoE::prefill", "the batch has ", batch.count(),
            " sequences, the state has ", count);
    Context silent = context;
    silent.observer = {};
    const Routed routed = decide_for_inference(silent, x_TD, batch);
    const Segments& segments = routed.cut.segments;
    // Of each sequence's last segment: its number, its rows (0 where there is none) and whether the last of them ends
    // it.
    std::vector<Index> last(static_cast<std::size_t>(count), 0), rows = last, closes = last, length = last,
                                                                 opens = state.opens;
    for (std::size_t b = 0; b < last.size(); ++b) {
      const Index end = batch.offsets[b + 1];
      if (end == batch.offsets[b]) continue;
      last[b] = segments.of_row[static_cast<std::size_t>(end - 1)];
      rows[b] = end - segments.begin[static_cast<std::size_t>(last[b])];
      closes[b] =
          segmenter.ends_after(rows[b], batch.tokens.empty() ? -1 : batch.tokens[static_cast<std::size_t>(end - 1)]);
      length[b] = closes[b] != 0 ? 0 : rows[b];
      opens[b] = closes[b] != 0 ? 0 : segments.opens_sequence[static_cast<std::size_t>(last[b])];
    }
    const Indices last_1B = upload_indices<Backend>(context, last), rows_1B = upload_indices<Backend>(context, rows),
                  closes_1B = upload_indices<Backend>(context, closes);
    // From here on nothing throws.
    state.length = std::move(length);
    state.opens = std::move(opens);
    Backend::for_each_cell(
        context, count, width(),
        [x_TD, last_ = last_1B.view(), rows_ = rows_1B.view(), closes_ = closes_1B.view(),
         begin = routed.cut.begin_1V.view(), u_VD = routed.u_VD.view(), so_far = state.so_far_BD.view(),
         previous = state.previous_BD.view(), u = state.u_BD.view()] MOE_ON_DEVICE(Index b, Index d) {
          const Index v = last_(0, b), length_ = rows_(0, b);
          if (length_ == 0) return;
          Real sum = 0;
          for (Index i = 0; i < length_; ++i) sum = Pool::absorbed(sum, widened(x_TD(begin(0, v) + i, d)), i);
          u(b, d) = u_VD(v, d);
          so_far(b, d) = closes_(0, b) != 0 ? Real(0) : sum;
          if (closes_(0, b) != 0) previous(b, d) = Pool::finished(sum, length_);
        });
    Backend::for_each_cell(context, count, bank.count(),
                           [last_ = last_1B.view(), rows_ = rows_1B.view(), gates_VE = routed.decision.gates_RE.view(),
                            chosen_VE = routed.decision.kept().view(), gates = state.gates_BE.view(),
                            chosen = state.chosen_BE.view()] MOE_ON_DEVICE(Index b, Index e) {
                             if (rows_(0, b) == 0) return;
                             gates(b, e) = gates_VE(last_(0, b), e);
                             chosen(b, e) = chosen_VE(last_(0, b), e);
                           });
  }
  /// One more row of each sequence: the same numbers as infer over the whole sequences, up to the rounding of products
  /// with fewer rows. tokens_B is empty or has an id for each row. state.gates_BE tells the gates the rows met. Throws
  /// Error when columns, rows or ids do not fit. When it throws, the state still expects this row.
  Tensor decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                DecodingState& state) const requires(is_causal) {
    auto y_BD = answer(context, x_BD, tokens_B, state);
    advance(context, x_BD, tokens_B, state);
    return y_BD;
  }
  /// The two halves of decode, for layers that do something between them which may throw: what the rows get, and the
  /// state's step to the next rows.
  Tensor answer(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                DecodingState& state) const requires(is_causal) {
    require_next_rows(x_BD, tokens_B, state);
    route_new_segments(context, state);
    begin_phase(context, Phase::dispatch);
    auto plan = Backend::group_by_expert(context, state.chosen_BE);
    const auto narrow_BD = feeds_rows ? Tensor() : as_fed(context, state.u_BD);
    const ConstView fed_BD = feeds_rows ? x_BD : read_by_experts(state.u_BD, narrow_BD);
    return mix_infer<X>(context, bank.span(), fed_BD, std::move(plan), std::as_const(state.gates_BE).view());
  }
  /// x_BD joins the segments; those that end with it are summed up. No row of it counts when it throws.
  void advance(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
               DecodingState& state) const requires(is_causal) {
    require_next_rows(x_BD, tokens_B, state);
    begin_phase(context, Phase::router);
    const auto count = static_cast<Index>(state.length.size());
    typename Backend::template HostBuffer<Index> closes(context, count);
    for (Index b = 0; b < count; ++b) {
      const auto at = static_cast<std::size_t>(b);
      const Index length = state.length[at] + 1;
      closes.data()[b] = segmenter.ends_after(length, tokens_B.empty() ? -1 : tokens_B[at]) ? length : 0;
    }
    const Indices closes_1B = upload_indices<Backend>(context, {closes.data(), count});
    const Indices before_1B = upload_indices<Backend>(context, state.length);
    // From here on nothing throws.
    for (std::size_t b = 0; b < state.length.size(); ++b) {
      const bool closed = closes.data()[b] != 0;
      state.length[b] = closed ? 0 : state.length[b] + 1;
      if (closed) state.opens[b] = 0;
    }
    Backend::for_each_cell(
        context, x_BD.rows, x_BD.cols,
        [x_BD, closes_ = closes_1B.view(), before_ = before_1B.view(), so_far = state.so_far_BD.view(),
         previous = state.previous_BD.view()] MOE_ON_DEVICE(Index b, Index d) {
          so_far(b, d) = Pool::absorbed(so_far(b, d), widened(x_BD(b, d)), before_(0, b));
          const Index length = closes_(0, b);
          if (length == 0) return;
          previous(b, d) = Pool::finished(so_far(b, d), length);
          so_far(b, d) = 0;
        });
  }

  /// Learns what a training step observed outside gradients. Once for each micro-batch of a step that was taken.
  /// Throws Error for the stats of a layer with another number of experts.
  void absorb(const Context& context, const Stats& stats) {
    require_consistent("SegmentMoE::absorb");
    gating.absorb(context, stats.boundary_1E);
    if constexpr (decltype(gating)::has_biases) gating.absorb_loads(context, stats.load);
  }

  SegmentMoE structure() const { return structure_as<Value>(); }
  /// The same tree of other values.
  template <class Other>
  rebind<Other> structure_as() const {
    rebind<Other> tree;
    tree.segmenter = segmenter;
    tree.source = detail::structure_as<Other>(source);
    tree.gating = gating.template structure_as<Wide<Other>>();
    tree.bank = bank.template structure_as<Other>();
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    decltype(gating)::visit_parameters(visit, prefix, trees.gating...);
    Source::visit_parameters(visit, prefix, trees.source...);
    ExpertBank<X>::visit_parameters(visit, prefix, trees.bank...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    decltype(gating)::visit_buffers(visit, prefix, trees.gating...);
  }

  // --- calls that are mistakes, each answered with a sentence --------------------------------------------------------

  template <std::same_as<SegmentMoE> Same>
  SegmentMoE(Same&) {
    detail::explain_copy<Same>();
  }
  template <class Given, class Gradient>
  Tensor backward(const Context&, ConstView, AuxiliaryGradient, Given&&, Gradient&&) const {
    return detail::explain_backward<SegmentMoE, Given, Gradient>();
  }
  template <class Unknown = void>
  DecodingState begin_decoding(const Context&, Index) const requires(!is_causal) {
    return detail::explain_decode<Unknown>();
  }
  template <class Unknown = void>
  Tensor decode(const Context&, ConstView, std::span<const std::int32_t>, DecodingState&) const requires(!is_causal) {
    return detail::explain_decode<Unknown>();
  }

 private:
  void check(std::string_view where, ConstView x_TD, const Batch& batch) const {
    require_consistent(where);
    require_rows(where, x_TD, "the gate expects", width());
    require_batch(batch, x_TD.rows, where);
  }
  void require_state(std::string_view where, const DecodingState& state) const {
    const Index count = std::ssize(state.length);
    const auto has_shape = [&](const auto& m, Index cols) { return m.rows() == count && m.cols() == cols; };
    require(std::ssize(state.opens) == count && has_shape(state.so_far_BD, width()) &&
                has_shape(state.previous_BD, width()) && has_shape(state.u_BD, width()) &&
                has_shape(state.gates_BE, bank.count()) && has_shape(state.chosen_BE, bank.count()),
            where, "the state must be one that this layer began, got one of ", state.so_far_BD.rows(), " sequences, ",
            state.so_far_BD.cols(), " columns and ", state.gates_BE.cols(), " experts for a layer of ", width(),
            " columns and ", bank.count(), " experts");
  }
  void require_next_rows(ConstView x_BD, std::span<const std::int32_t> tokens_B, const DecodingState& state) const {
    const char* const where = "SegmentMoE::decode";
    require_consistent(where);
    require_rows(where, x_BD, "the gate expects", width());
    require(x_BD.rows == state.so_far_BD.rows(), where, "x has ", x_BD.rows, " rows, the state has ",
            state.so_far_BD.rows(), " sequences");
    require_state(where, state);
    require_known(tokens_B, x_BD.rows, where, "there are", "token ids");
  }

  /// Marks the segments that are routed by one and the same row; empty where there are no two of them.
  static View<const Index, Backend> alike(const Cut& cut) {
    if constexpr (OpensAlike<Source>) {
      const auto& opens = cut.segments.opens_sequence;
      if (std::count(opens.begin(), opens.end(), Index{1}) > 1) return cut.opens_1V.view();
    }
    return {};
  }
  Cut cut(const Context& context, const Batch& batch) const {
    Cut result{cut_into_segments(segmenter, batch), {}, {}, {}};
    result.begin_1V = upload_indices<Backend>(context, result.segments.begin);
    result.opens_1V = upload_indices<Backend>(context, result.segments.opens_sequence);
    result.of_row_1T = upload_indices<Backend>(context, result.segments.of_row);
    return result;
  }
  template <class Decide>
  Routed decide_with(const Context& context, ConstView x_TD, const Batch& batch, const Decide& decision_of) const {
    begin_phase(context, Phase::router);
    Routed routed;
    routed.cut = cut(context, batch);
    auto pooled_VD = RealTensor::uninitialized(context, routed.cut.segments.count(), x_TD.cols);
    routed.pooled = Pool::template forward<Value, Backend>(context, x_TD, routed.cut.begin_1V, pooled_VD.view());
    routed.u_VD = source.forward(context, std::move(pooled_VD), routed.cut.opens_1V);
    routed.decision = decision_of(std::as_const(routed.u_VD).view(), alike(routed.cut));
    gating.report(context, "segment", routed.decision, routed.cut.segments.begin);
    const Matrix<Rank, Backend>& kept_VE = routed.decision.kept();
    if constexpr (feeds_rows) {
      routed.chosen = spread<Rank>(context, kept_VE, routed.cut);
      routed.gates = spread<Real>(context, routed.decision.gates_RE, routed.cut);
    } else {
      routed.fed_VD = as_fed(context, routed.u_VD);
      routed.chosen = kept_VE.copy();
      routed.gates = routed.decision.gates_RE.copy();
    }
    if (!routed.decision.dropped.empty())
      zero_where_dropped<Real, Backend>(context, routed.chosen.view(), routed.gates.view());
    return routed;
  }
  Routed decide_checked(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("SegmentMoE::infer", x_TD, batch);
    return decide_for_inference(context, x_TD, batch);
  }
  Tensor infer_as(const Routed& routed, const Context& context, ConstView x_TD) const {
    auto y = mix_infer<X>(context, bank.span(), fed(x_TD, routed), group(context, routed), routed.gates.view());
    return answers_of_rows(context, std::move(y), routed.cut);
  }
  moe::Plan<Backend> group(const Context& context, const Routed& routed) const {
    begin_phase(context, Phase::dispatch);
    const auto chosen = routed.chosen.view();
    return Backend::finish_grouping(context, chosen, Backend::begin_grouping(context, chosen, foreseen(routed)));
  }
  /// The heavy half of training.
  std::pair<Tensor, Saved> answer(const Context& context, ConstView x_TD, Routed routed,
                                  moe::Plan<Backend> plan) const {
    Saved saved{{}, x_TD, std::move(routed), {}};
    auto [y, mix_saved] = mix<X>(context, bank.span(), fed(x_TD, saved.routed), std::move(plan),
                                 std::as_const(saved.routed.gates).view());
    saved.mix = std::move(mix_saved);
    return {answers_of_rows(context, std::move(y), saved.routed.cut), std::move(saved)};
  }
  /// What experts read: rows of x, or segments.
  static ConstView fed(ConstView x_TD, const Routed& routed) {
    return feeds_rows ? x_TD : read_by_experts(routed.u_VD, routed.fed_VD);
  }
  /// u as the experts keep values, where that is not how it is.
  static Tensor as_fed(const Context& context, const RealTensor& u_VD) {
    Tensor result;
    if constexpr (!std::is_same_v<Real, Value>) {
      result = Tensor::uninitialized(context, u_VD.rows(), u_VD.cols());
      convert<Real, Value, Backend>(context, u_VD.view(), result.view());
    }
    return result;
  }
  static ConstView read_by_experts(const RealTensor& u_VD, const Tensor& as_fed_VD) {
    if constexpr (std::is_same_v<Real, Value>)
      return u_VD.view();
    else
      return as_fed_VD.view();
  }
  static Tensor answers_of_rows(const Context& context, Tensor y, const Cut& cut) {
    if constexpr (feeds_rows)
      return y;
    else
      return spread<Value>(context, y, cut);
  }
  template <class V>
  static Matrix<V, Backend> spread(const Context& context, const Matrix<V, Backend>& values_VE, const Cut& cut) {
    return repeat_over_rows<V, Backend>(context, values_VE.view(), cut.of_row_1T.view());
  }

  void route_new_segments(const Context& context, DecodingState& state) const {
    begin_phase(context, Phase::router);
    const Indices opens_1B = upload_indices<Backend>(context, state.opens);
    const Indices length_1B = upload_indices<Backend>(context, state.length);
    const auto u_BD = source.for_decoding(context, std::as_const(state.previous_BD).view(), opens_1B);
    const auto decision = gating.decide_in_inference(context, u_BD, {});
    const auto length = std::as_const(length_1B).view();
    take_at_first_row<Real, Backend>(context, length, u_BD.view(), state.u_BD.view());
    take_at_first_row<Real, Backend>(context, length, decision.gates_RE.view(), state.gates_BE.view());
    take_at_first_row<Rank, Backend>(context, length, decision.kept().view(), state.chosen_BE.view());
    const auto chosen_BE = std::as_const(state.chosen_BE).view();
    gating.report(context, "segment", chosen_BE, chosen_BE, state.gates_BE);
  }
};

/// Arguments that fit no constructor still name a layer, so that its first lines say which of them is wrong.
template <class S, class Source, class R, class N, class C, class X>
SegmentMoE(S, Source, R, N, C, X) -> SegmentMoE<S, Source, R, N, C, typename detail::ExpertIn<X>::Type>;

}  // namespace moe
