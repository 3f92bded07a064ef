// Longer than other headers: routing of segments and its decoding state change together.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/mode.hpp"
#include "moe/core/module.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/segments.hpp"
#include "moe/core/settings.hpp"
#include "moe/ops/add.hpp"
#include "moe/ops/dispatch.hpp"
#include "moe/ops/route.hpp"
#include "moe/ops/upload_indices.hpp"
#include "moe/routing/gating.hpp"
#include "moe/routing/routing_module.hpp"
#include "moe/routing/segment_state.hpp"
#include "moe/routing/segmenter/segmenter.hpp"
#include "moe/routing/source/segment_source.hpp"
#include "moe/routing/steps/choose.hpp"
#include "moe/routing/steps/drop.hpp"
#include "moe/routing/steps/replay.hpp"
#include "moe/routing/steps/segment.hpp"

namespace moe {

/// Segment experts process every row of the segments that are routed to them.
struct RowInput {
  /// Experts read rows of x.
  static constexpr bool pooled = false;
};
/// Segment experts process one row per segment: the row that the segment is routed by.
struct PooledInput {
  /// Experts read one row per segment.
  static constexpr bool pooled = true;
};

/// Cuts sequences into segments (eq. 3). The Source computes one row per segment, by which the router selects the
/// segment's experts (eq. 4); these process all rows of the segment. With Feed = PooledInput they process the Source's
/// row instead.
///
/// Weights: gate.weight [E, D] and the source's; buffers: thresholds if the inference router uses them.
template <class S, class Source, class R, class N, class C, class Value_, class Backend_, class Feed = RowInput>
struct SegmentRouting : Gating<R, N, C, Accum<Value_>, Backend_> {
  static_assert(!NeedsRowInfo<typename FormsOf<R>::Train> && !NeedsRowInfo<typename FormsOf<R>::Infer>,
                "SegmentRouting: the router must choose by logits alone; a segment has no token id and no language");
  static_assert(
      !SharesFirstRow<Source> || !UsesCapacity<typename FormsOf<R>::Train> ||
          ContextMatrixRouter<typename FormsOf<R>::Train>,
      "SegmentRouting: the router must take a RowsContext: this source routes all first segments by the same row, and "
      "an expert must take all of these identical rows or none, as in ExpertChoice");
  static_assert(SegmentSource<Source, Value_, Backend_>,
                "SegmentRouting: the source must be a SegmentSource of the experts' value type and backend, such as "
                "OwnMean");

  using Value = Value_;
  using Backend = Backend_;
  /// Type that routing is computed and stored in.
  using Real = Accum<Value>;
  /// The gate projection's weights, with router, normalizer and capacity.
  using Policies = Gating<R, N, C, Real, Backend>;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// Matrix with values of type Real.
  using RealTensor = Matrix<Real, Backend>;
  /// List of indices in the backend's memory.
  using Indices = Matrix<Index, Backend>;
  /// Gradients of auxiliary losses, which are ignored: segment routing computes none.
  using LossGradients = AuxiliaryGradient;
  using DecodingState = SegmentDecodingState<Real, Backend, SegmenterState<S>>;
  /// Pooling of a segment's rows.
  using Pool = typename Source::Pool;
  template <class Other>
  using rebind = SegmentRouting<S, typename Source::template rebind<Other>, R, N, C, Other, Backend, Feed>;

  static constexpr bool is_causal = Source::is_causal && router_is_causal<R> && !Policies::drops_in_inference;
  static constexpr bool is_batch_invariant = router_is_batch_invariant<R> && !Policies::drops_in_inference;
  /// Whether recorded choices can be replayed.
  static constexpr bool replays = true;
  /// Whether experts read rows of x; HybridMoE can then run both levels in one pass over x.
  static constexpr bool experts_read_rows = !Feed::pooled;

  /// Statistics of one pass. load[e]: rows that expert e processed, or segments with PooledInput; dropped[e]: segments
  /// that it dropped, empty if the capacity never drops.
  struct Stats {
    /// Number of rows or segments that each expert processed.
    std::vector<Index> load;
    /// Number of segments that each expert dropped.
    std::vector<Index> dropped;
    /// Boundaries that update the thresholds; empty if there are none, as in a replay of recorded choices.
    RealTensor boundary_1E;

    /// Visits what update_buffers reads (core/observed.hpp).
    template <class Visit, class Self>
    static void visit_observed(const Visit& visit, Self& stats) {
      visit(stats.boundary_1E);
    }
    /// 0: segment routing computes no auxiliary losses. With expert choice the load is even by construction; with other
    /// routers, such as TopK, it is not, and the loss does not show it.
    double balance_loss() const { return 0; }
    double z_loss() const { return 0; }
  };
  /// The batch's segments, on the host and on the backend.
  struct Cut {
    /// The segments, in host memory.
    Segments segments;
    /// The lists of Segments on the backend.
    Indices begin_1V, opens_1V, of_row_1T;
    /// The segmenter's state after each sequence's last row.
    std::vector<SegmenterState<S>> cutters;
  };
  /// What make_stats and backward need of a route.
  struct Saved {
    /// Segments of the batch.
    Cut cut;
    /// What the backward pass of the pooling needs.
    typename Pool::template Saved<Value, Backend> pooled;
    /// The row that each segment is routed by.
    RealTensor u_VD;
    /// u_VD in the experts' value type; empty if experts read rows of x, or if their value type is Real.
    Tensor fed_VD;
    /// Logits, choice and gates of the segments.
    Decision<Real, Backend> decision;
  };
  /// A route and what is saved of it.
  using RoutingResult = RoutingResultOf<Saved, Real, Backend>;

  /// Cuts sequences (eq. 3).
  S segmenter;
  /// Computes the row that a segment is routed by.
  Source source;
  /// Table of a segmenter with state: one row for each token id of the vocabulary, S::features numbers each; empty, and
  /// not a buffer, for a segmenter without state. In this name V is the vocabulary and F the numbers of a token.
  RealTensor table_VF;

  SegmentRouting() = default;
  /// The gate starts at zero, the source as it is passed. Throws Error for parts and settings that do not fit.
  SegmentRouting(S segmenter_, Source source_, R router_, N normalizer_, C capacity_, Index width, Index experts)
      : Policies(router_, normalizer_, capacity_, width, experts), segmenter(segmenter_), source(std::move(source_)) {
    require_settings(segmenter, width);
    require_settings(source, width);
  }

  Index width() const { return this->gate.in(); }
  /// Number of experts, E.
  Index experts() const { return this->gate.out(); }

  /// Throws Error unless weights, buffers and settings fit each other.
  void require_consistent(std::string_view where) const {
    Policies::require_consistent(where);
    require_settings(segmenter, width());
    require_settings(source, width());
    if constexpr (StatefulSegmenter<S>)
      require(table_VF.rows() == 0 || table_VF.cols() == S::features, where, "the segmenter's table must have ",
              S::features, " numbers per token, got ", table_VF.cols());
  }
  /// Whether `saved` belongs to a pass over `rows` rows of x; false after it was consumed.
  bool keeps(const Saved& saved, Index rows) const {
    const Index segments = saved.cut.segments.count();
    return std::ssize(saved.cut.segments.of_row) == rows && saved.cut.begin_1V.cols() == segments + 1 &&
           saved.u_VD.rows() == segments && saved.u_VD.cols() == width() && saved.decision.fits(segments, experts());
  }

  // --- forward ------------------------------------------------------------------------------------------------------

  /// x_TD -> which experts process each row, or each segment with PooledInput, and their gates.
  template <class Mode>
  RoutingResult route(const Context& context, ConstView x_TD, const Batch& batch) const {
    const PhaseScope scope(context, Phase::router);
    Saved saved;
    saved.cut = cut(context, batch);
    auto pooled_VD = RealTensor::uninitialized(context, saved.cut.segments.count(), x_TD.cols);
    saved.pooled = Pool::template forward<Value, Backend>(context, x_TD, saved.cut.begin_1V, pooled_VD.view());
    saved.u_VD = source.forward(context, std::move(pooled_VD), saved.cut.opens_1V);
    const RoutedRows routed{level, saved.cut.segments.begin};
    saved.decision = Policies::template decide<Mode>(context, saved.u_VD.const_view(), RowInfo::of_segments(batch),
                                                     routed, alike(saved.cut));
    Policies::report(context, routed, saved.decision);
    const Decision<Real, Backend>& decision = saved.decision;
    if constexpr (experts_read_rows) {
      auto chosen_TE = spread<ChoiceOrder>(context, decision.kept(), saved.cut);
      auto weights_TE = spread<Real>(context, decision.gates_RE, saved.cut);
      auto route = begin_route<Real, Backend>(context, std::move(chosen_TE), std::move(weights_TE), expected(saved));
      return {std::move(route), std::move(saved)};
    } else {
      saved.fed_VD = as_fed(context, saved.u_VD);
      auto route = begin_route<Real, Backend>(context, View<const ChoiceOrder, Backend>(decision.kept()),
                                              View<const Real, Backend>(decision.gates_RE), expected(saved));
      return {std::move(route), std::move(saved)};
    }
  }
  /// Input of the experts: rows of x, or one row per segment.
  static ConstView fed(ConstView x_TD, const Saved& saved) {
    if constexpr (experts_read_rows)
      return x_TD;
    else
      return read_by_experts(saved.u_VD, saved.fed_VD);
  }
  /// Outputs for rows of x, from the outputs for the experts' input.
  static Tensor outputs_of_rows(const Context& context, Tensor y, const Saved& saved) {
    if constexpr (experts_read_rows)
      return y;
    else
      return spread<Value>(context, y, saved.cut);
  }
  /// The loads of a route; offsets[e+1] - offsets[e]: number of rows (with PooledInput, segments) of expert e. Moves
  /// the boundaries out of `saved`: call it once.
  Stats make_stats(const Context& context, Saved& saved, ListView<Index> offsets) const {
    const PhaseScope scope(context, Phase::router);
    Stats stats;
    stats.load = loads_of(offsets);
    stats.dropped = saved.decision.dropped;
    // Without segments there is no boundary, and thresholds must not be updated.
    if (saved.cut.segments.count() > 0) stats.boundary_1E = std::move(saved.decision.choice.boundary_1E);
    return stats;
  }

  // --- backward -----------------------------------------------------------------------------------------------------

  /// Backward of d_weights_1N of the part's pairs through normalizer, gate and source: adds to d_x_TD and to
  /// `gradient`. d_fed_VD is the gradient of the experts' input with PooledInput; otherwise empty.
  template <class GradientTree>
  void backward(const Context& context, const PlanPart<Backend>& part, View<const Real, Backend> d_weights_1N,
                LossGradients /*d_losses*/, const Saved& saved, ConstView x_TD, GradientTree& gradient,
                View<Value, Backend> d_x_TD, Tensor d_fed_VD = {}) const {
    const PhaseScope scope(context, Phase::router);
    const Index routed_rows = experts_read_rows ? x_TD.rows : saved.u_VD.rows();
    auto d_gates = gates_of_pairs_backward<Real, Backend>(context, d_weights_1N, routed_rows, part);
    if constexpr (experts_read_rows)
      d_gates =
          repeat_over_rows_backward<Real, Backend>(context, d_gates.const_view(), saved.cut.begin_1V.const_view());
    const auto d_logits_VE = Policies::normalizer_backward(context, d_gates, saved.decision);
    auto d_u_VD = RealTensor::zeros(context, saved.u_VD.rows(), saved.u_VD.cols());
    if (!d_fed_VD.empty()) add_to(context, d_fed_VD, d_u_VD.view());
    Policies::add_gate_backward(context, d_logits_VE.const_view(), saved.decision, saved.u_VD.view(), gradient.gate,
                                d_u_VD.view());
    const auto d_pooled_VD = source.backward(context, std::move(d_u_VD), saved.cut.opens_1V, gradient.source);
    Pool::template add_backward<Value, Backend>(context, d_pooled_VD, saved.cut.begin_1V, saved.pooled, d_x_TD);
  }
  /// Sum of the routing weights of each row of x, [1, T]. mass_1R: these sums for the rows that the experts read, which
  /// are rows of x or, with PooledInput, segments.
  static RealTensor mass_of_rows(const Context& context, RealTensor mass_1R, const Saved& saved) {
    if constexpr (experts_read_rows) {
      return mass_1R;
    } else {
      const Index rows = saved.cut.of_row_1T.cols();
      auto mass = RealTensor::uninitialized(context, 1, rows);
      Backend::for_each_element(
          context, rows,
          [mass_1T = mass.view(), mass_1V = mass_1R.const_view(), of_row_1T = saved.cut.of_row_1T.view()] MOE_ON_DEVICE(
              Index t) { mass_1T(0, t) = mass_1V(0, of_row_1T(0, t)); });
      return mass;
    }
  }
  /// The backward of mass_of_rows with PooledInput: d_mass_1T -> the sum over each segment's rows, [1, V].
  static RealTensor mass_of_rows_backward(const Context& context, View<const Real, Backend> d_mass_1T,
                                          const Saved& saved) {
    const Index segments = saved.cut.begin_1V.cols() - 1;
    auto d_mass = RealTensor::uninitialized(context, 1, segments);
    Backend::for_each(context, segments,
                      [=, d_mass_1V = d_mass.view(), begin_1V = saved.cut.begin_1V.view()] MOE_ON_DEVICE(Index v) {
                        Real sum = 0;
                        for (Index t = begin_1V(0, v); t < begin_1V(0, v + 1); ++t) sum += d_mass_1T(0, t);
                        d_mass_1V(0, v) = sum;
                      });
    return d_mass;
  }
  /// The backward of outputs_of_rows with PooledInput: d_y of each segment.
  static Tensor outputs_backward(const Context& context, ConstView d_y_TD, const Saved& saved) {
    return repeat_over_rows_backward<Value, Backend>(context, d_y_TD, saved.cut.begin_1V.const_view());
  }

  // --- decoding -----------------------------------------------------------------------------------------------------

  /// A state in which every sequence is at its first row.
  DecodingState begin_decoding(const Context& context, Index sequences) const {
    const auto count = static_cast<std::size_t>(sequences);
    return {std::vector<Index>(count, 0),
            std::vector<Index>(count, 1),
            RealTensor::zeros(context, sequences, width()),
            RealTensor::zeros(context, sequences, width()),
            RealTensor::zeros(context, sequences, width()),
            RealTensor::zeros(context, sequences, experts()),
            Matrix<ChoiceOrder, Backend>::zeros(context, sequences, experts()),
            std::vector<SegmenterState<S>>(StatefulSegmenter<S> ? count : 0)};
  }
  /// Sets the state after a routed batch that holds the first rows of every sequence. If it throws, the state is
  /// unchanged.
  void read(const Context& context, ConstView x_TD, const Batch& batch, const Saved& saved,
            DecodingState& state) const {
    const Index count = state.so_far_BD.rows();
    const Segments& segments = saved.cut.segments;
    // Of each sequence's last segment: its index, its number of rows (0 without rows) and whether its last row ends it.
    std::vector<Index> last(static_cast<std::size_t>(count), 0), rows = last, closes = last, length = last,
                                                                 opens = state.opens;
    for (std::size_t b = 0; b < last.size(); ++b) {
      const Index end = batch.offsets[b + 1];
      if (end == batch.offsets[b]) continue;
      last[b] = segments.of_row[static_cast<std::size_t>(end - 1)];
      rows[b] = end - segments.begin[static_cast<std::size_t>(last[b])];
      closes[b] = ends_after(rows[b], batch.tokens, static_cast<std::size_t>(end - 1));
      length[b] = closes[b] != 0 ? 0 : rows[b];
      opens[b] = closes[b] != 0 ? 0 : segments.opens_sequence[static_cast<std::size_t>(last[b])];
    }
    const Indices last_1B = upload_indices<Backend>(context, last), rows_1B = upload_indices<Backend>(context, rows),
                  closes_1B = upload_indices<Backend>(context, closes);
    // From here on nothing throws.
    state.length = std::move(length);
    state.opens = std::move(opens);
    state.cutters = saved.cut.cutters;
    Backend::for_each_cell(
        context, count, width(),
        [x_TD, last_ = last_1B.view(), rows_ = rows_1B.view(), closes_ = closes_1B.view(),
         begin = saved.cut.begin_1V.view(), u_VD = saved.u_VD.view(), so_far = state.so_far_BD.view(),
         previous = state.previous_BD.view(), u = state.u_BD.view()] MOE_ON_DEVICE(Index b, Index d) {
          const Index v = last_(0, b), length_ = rows_(0, b);
          if (length_ == 0) return;
          Real sum = 0;
          for (Index i = 0; i < length_; ++i) sum = Pool::accumulated(sum, widened(x_TD(begin(0, v) + i, d)), i);
          u(b, d) = u_VD(v, d);
          so_far(b, d) = closes_(0, b) != 0 ? Real(0) : sum;
          if (closes_(0, b) != 0) previous(b, d) = Pool::finished(sum, length_);
        });
    Backend::for_each_cell(context, count, experts(),
                           [last_ = last_1B.view(), rows_ = rows_1B.view(), gates_VE = saved.decision.gates_RE.view(),
                            chosen_VE = saved.decision.kept().view(), gates = state.gates_BE.view(),
                            chosen = state.chosen_BE.view()] MOE_ON_DEVICE(Index b, Index e) {
                             if (rows_(0, b) == 0) return;
                             gates(b, e) = gates_VE(last_(0, b), e);
                             chosen(b, e) = chosen_VE(last_(0, b), e);
                           });
  }
  /// Routes one more row of each sequence. The state stays at this row until advance().
  RoutingResult decode(const Context& context, ConstView /*x_BD*/, std::span<const std::int32_t> tokens_B,
                       DecodingState& state) const {
    if constexpr (StatefulSegmenter<S>) close_before(context, tokens_B, state);
    route_new_segments(context, state);
    Saved saved;
    if constexpr (!experts_read_rows) {
      saved.u_VD = state.u_BD.copy();
      saved.fed_VD = as_fed(context, saved.u_VD);
      saved.cut.of_row_1T = upload_indices<Backend>(context, numbers_up_to(state.u_BD.rows()));
    }
    auto route = begin_route<Real, Backend>(context, state.chosen_BE.const_view(), state.gates_BE.const_view());
    return {std::move(route), std::move(saved)};
  }
  /// Adds x_BD to the current segments and pools the segments that end with it. If it throws, the state is unchanged.
  void advance(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
               DecodingState& state) const {
    const PhaseScope scope(context, Phase::router);
    const auto count = static_cast<Index>(state.length.size());
    typename Backend::template HostBuffer<Index> closes(context, count);
    for (Index b = 0; b < count; ++b) {
      const auto at = static_cast<std::size_t>(b);
      const Index length = state.length[at] + 1;
      closes.data()[b] = ends_after(length, tokens_B, at) ? length : 0;
    }
    std::vector<SegmenterState<S>> cutters;
    if constexpr (StatefulSegmenter<S>) {
      cutters = state.cutters;
      const auto features_BF = features_of_tokens<Real, Backend>(context, table_VF.view(), tokens_B);
      for (std::size_t b = 0; b < cutters.size(); ++b) segmenter.read(cutters[b], token_at(features_BF, tokens_B, b));
    }
    const Indices closes_1B = upload_indices<Backend>(context, {closes.data(), count});
    const Indices before_1B = upload_indices<Backend>(context, state.length);
    // From here on nothing throws.
    state.cutters = std::move(cutters);
    for (std::size_t b = 0; b < state.length.size(); ++b) {
      const bool closed = closes.data()[b] != 0;
      state.length[b] = closed ? 0 : state.length[b] + 1;
      if (closed) state.opens[b] = 0;
    }
    Backend::for_each_cell(
        context, x_BD.rows, x_BD.cols,
        [x_BD, closes_ = closes_1B.view(), before_ = before_1B.view(), so_far = state.so_far_BD.view(),
         previous = state.previous_BD.view()] MOE_ON_DEVICE(Index b, Index d) {
          so_far(b, d) = Pool::accumulated(so_far(b, d), widened(x_BD(b, d)), before_(0, b));
          const Index length = closes_(0, b);
          if (length == 0) return;
          previous(b, d) = Pool::finished(so_far(b, d), length);
          so_far(b, d) = 0;
        });
  }

  /// Pools the segments that end before these tokens. A second call with the same tokens has no effect.
  void close_before(const Context& context, std::span<const std::int32_t> tokens_B, DecodingState& state) const {
    const auto features_BF = features_of_tokens<Real, Backend>(context, table_VF.view(), tokens_B);
    std::vector<Index> closes(state.length.size(), 0);
    for (std::size_t b = 0; b < closes.size(); ++b)
      if (state.length[b] > 0 &&
          segmenter.starts_before(state.cutters[b], state.length[b], token_at(features_BF, tokens_B, b)))
        closes[b] = state.length[b];
    const Indices closes_1B = upload_indices<Backend>(context, closes);
    // From here on nothing throws.
    for (std::size_t b = 0; b < closes.size(); ++b)
      if (closes[b] > 0) state.length[b] = state.opens[b] = 0;
    Backend::for_each_cell(context, state.so_far_BD.rows(), state.so_far_BD.cols(),
                           [closes_ = closes_1B.view(), so_far = state.so_far_BD.view(),
                            previous = state.previous_BD.view()] MOE_ON_DEVICE(Index b, Index d) {
                             const Index length = closes_(0, b);
                             if (length == 0) return;
                             previous(b, d) = Pool::finished(so_far(b, d), length);
                             so_far(b, d) = 0;
                           });
  }
  /// Throws Error unless the state is from this routing and has `sequences` sequences. `whose` ("x has") and `what`
  /// ("rows") are words of the error message.
  void require_state(std::string_view where, const DecodingState& state, Index sequences, std::string_view whose,
                     std::string_view what) const {
    const Index count = std::ssize(state.length);
    const auto has_shape = [&](const auto& m, Index cols) { return m.rows() == count && m.cols() == cols; };
    require(std::ssize(state.opens) == count && (!StatefulSegmenter<S> || std::ssize(state.cutters) == count) &&
                has_shape(state.so_far_BD, width()) && has_shape(state.previous_BD, width()) &&
                has_shape(state.u_BD, width()) && has_shape(state.gates_BE, experts()) &&
                has_shape(state.chosen_BE, experts()),
            where, "the state must be from this layer's begin_decoding, got one of ",
            counted(state.so_far_BD.rows(), "sequences"), ", ", counted(state.so_far_BD.cols(), "columns"), " and ",
            counted(state.gates_BE.cols(), "experts"), " for a layer of ", counted(width(), "columns"), " and ",
            counted(experts(), "experts"));
    require(sequences == count, where, whose, " ", counted(sequences, what), ", the state has ",
            counted(count, "sequences"));
  }

  /// Updates thresholds and biases from the statistics of one forward pass. Throws Error if the number of experts in
  /// `stats` differs from E.
  void update_buffers(const Context& context, const Stats& stats) {
    Policies::update_buffers(context, stats.boundary_1E);
    if constexpr (Policies::has_biases) Policies::update_biases(context, stats.load);
  }

  SegmentRouting empty_tree() const { return empty_tree_of<Value>(); }
  /// An empty parameter tree with values of type Other.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    Policies::copy_policies_to(tree);
    tree.segmenter = segmenter;
    tree.source = detail::empty_tree_of<Other>(source);
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    Policies::visit_parameters(visit, prefix, trees...);
    Source::visit_parameters(visit, prefix, trees.source...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    Policies::visit_buffers(visit, prefix, trees...);
    if constexpr (StatefulSegmenter<S>) visit(prefix + "token_table", trees.table_VF...);
  }

 private:
  /// Name of this level in observations and records.
  static constexpr std::string_view level = "segment";

  /// Pairs and loads of the route that are known before counting.
  static ExpectedCounts expected(const Saved& saved) {
    const ExpectedCounts& of_segments = saved.decision.choice.expected;
    const Segments& segments = saved.cut.segments;
    if (!experts_read_rows || segments.count() == 0) return of_segments;
    const Index length = segments.begin[1] - segments.begin[0];
    for (std::size_t v = 1; v + 1 < segments.begin.size(); ++v)
      if (segments.begin[v + 1] - segments.begin[v] != length) return {};
    return of_segments.times(length);
  }
  /// Marks the segments that are routed by one identical row; empty if there are fewer than two.
  static View<const Index, Backend> alike(const Cut& cut) {
    if constexpr (SharesFirstRow<Source>) {
      const auto& opens = cut.segments.opens_sequence;
      if (std::count(opens.begin(), opens.end(), Index{1}) > 1) return cut.opens_1V.view();
    }
    return {};
  }
  Cut cut(const Context& context, const Batch& batch) const {
    Cut result;
    if constexpr (StatefulSegmenter<S>) {
      const auto features_TF = features_of_tokens<Real, Backend>(context, table_VF.view(), batch.tokens);
      result.segments = cut_into_segments(segmenter, batch, features_TF, result.cutters);
    } else {
      result.segments = cut_into_segments(segmenter, batch);
    }
    result.begin_1V = upload_indices<Backend>(context, result.segments.begin);
    result.opens_1V = upload_indices<Backend>(context, result.segments.opens_sequence);
    result.of_row_1T = upload_indices<Backend>(context, result.segments.of_row);
    return result;
  }
  /// u_VD converted to the experts' value type; empty if it has this type already.
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
  template <class V>
  static Matrix<V, Backend> spread(const Context& context, const Matrix<V, Backend>& values_VE, const Cut& cut) {
    return repeat_over_rows<V, Backend>(context, values_VE.view(), cut.of_row_1T.view());
  }

  void route_new_segments(const Context& context, DecodingState& state) const {
    const PhaseScope scope(context, Phase::router);
    const Indices opens_1B = upload_indices<Backend>(context, state.opens);
    const Indices length_1B = upload_indices<Backend>(context, state.length);
    const auto u_BD = source.for_decoding(context, state.previous_BD.const_view(), opens_1B);
    const auto decision = Policies::template decide<Inference>(context, u_BD, {}, {level, {}});
    const auto length = length_1B.const_view();
    take_at_first_row<Real, Backend>(context, length, u_BD.view(), state.u_BD.view());
    take_at_first_row<Real, Backend>(context, length, decision.gates_RE.view(), state.gates_BE.view());
    take_at_first_row<ChoiceOrder, Backend>(context, length, decision.kept().view(), state.chosen_BE.view());
    const auto chosen_BE = state.chosen_BE.const_view();
    if (context.replay != nullptr) require_replayed<Backend>(context, chosen_BE, decision.kept().view());
    Policies::report(context, {level, {}}, chosen_BE, chosen_BE, state.gates_BE);
  }
  /// Whether a segment of `length` rows ends with token number `at`. A segmenter with state decides this only when the
  /// next token is known.
  bool ends_after(Index length, std::span<const std::int32_t> tokens, std::size_t at) const {
    if constexpr (StatefulSegmenter<S>)
      return false;
    else
      return segmenter.ends_after(length, tokens.empty() ? -1 : tokens[at]);
  }
  /// Table row of token number `at`; nullptr for an unknown token.
  static const float* token_at(const std::vector<float>& features_TF, std::span<const std::int32_t> tokens,
                               std::size_t at) requires(StatefulSegmenter<S>) {
    if (features_TF.empty() || tokens[at] < 0) return nullptr;
    return features_TF.data() + at * static_cast<std::size_t>(S::features);
  }
  static std::vector<Index> numbers_up_to(Index count) {
    std::vector<Index> numbers(static_cast<std::size_t>(count));
    for (Index b = 0; b < count; ++b) numbers[static_cast<std::size_t>(b)] = b;
    return numbers;
  }
};

}  // namespace moe
