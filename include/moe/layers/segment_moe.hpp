#pragma once

#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/module.hpp"
#include "moe/experts/expert_bank.hpp"
#include "moe/experts/shared_path.hpp"
#include "moe/layers/moe_layer.hpp"
#include "moe/routing/routing_module.hpp"
#include "moe/routing/segment_routing.hpp"
#include "moe/routing/source/segment_sources.hpp"

namespace moe {

namespace detail {

/// Checks SegmentMoE's template arguments.
template <class S, class Source, class R, class N, class C, class X, class Feed>
struct SegmentParts {
  static_assert(
      Segmenter<S>,
      "SegmentMoE: 1st argument must be a Segmenter: bool ends_after(Index length, std::int32_t token) const");
  static_assert(Router<R>,
                "SegmentMoE: 3rd argument must be a Router: choose(Row<const Real>, Row<ChoiceOrder>) const");
  static_assert(!NeedsRowInfo<typename FormsOf<R>::Train> && !NeedsRowInfo<typename FormsOf<R>::Infer>,
                "SegmentMoE: 3rd argument must be a router of logits; a segment has no token id and no language");
  static_assert(
      GateNormalizer<N>,
      "SegmentMoE: 4th argument must be a GateNormalizer: normalize(logits_E, chosen_E, gates_E) const and backward");
  static_assert(Capacity<C>, "SegmentMoE: 5th argument must be a Capacity: Index rows_per_expert(Demand) const");
  static_assert(Expert<X>, "SegmentMoE: 6th argument must be an ExpertBank of Experts such as SwiGlu<float, Cpu<>>");
  static_assert(
      !SharesFirstRow<Source> || !UsesCapacity<typename FormsOf<R>::Train> ||
          ContextMatrixRouter<typename FormsOf<R>::Train>,
      "SegmentMoE: 3rd argument must be a router that takes a RowsContext: this source routes all first "
      "segments by the same row, and an expert must take all of these identical rows or none, as in ExpertChoice");
  static_assert(
      SegmentSource<Source, typename X::Value, typename X::Backend>,
      "SegmentMoE: 2nd argument must be a SegmentSource of the experts' value type and backend, such as OwnMean");
  using Value = typename X::Value;
  using Backend = typename X::Backend;
  using Routing = SegmentRouting<S, Source, R, N, C, Value, Backend, Feed>;
};

}  // namespace detail

/// Sequences are cut into segments, each segment v is routed once by the vector u_v of its Source (eqs. 3, 4), and all
/// of its rows go to the experts that selected it: y_t = sum_e G[e, v(t)] E_e(x_t) (eq. 5 over tokens); 0 if no expert
/// selected the segment. With Feed = PooledInput the experts process u_v instead, and all rows of the segment get the
/// same output: y_t = sum_e G[e, v(t)] E_e(u_v(t)) (eq. 5 as printed).
///
/// Weights: gate.weight [E, D], experts.e.*, and the source's; buffers: thresholds where the inference router has them.
template <class S, class Source, class R, class N, class C, class X, class Feed = RowInput>
class SegmentMoE
    : public MoeLayer<SegmentMoE<S, Source, R, N, C, X, Feed>,
                      typename detail::SegmentParts<S, Source, R, N, C, X, Feed>::Value,
                      typename detail::SegmentParts<S, Source, R, N, C, X, Feed>::Backend, AuxiliaryGradient> {
  using Parts = detail::SegmentParts<S, Source, R, N, C, X, Feed>;

 public:
  using Value = typename X::Value;
  using Backend = typename X::Backend;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// Type that routing is computed and stored in.
  using Real = Accum<Value>;
  using ExpertType = X;
  /// Type of the routing, which creates the Route.
  using Routing = typename Parts::Routing;
  using DecodingState = typename Routing::DecodingState;
  /// Statistics of a training forward.
  using Stats = typename Routing::Stats;
  /// Accepted and ignored: this layer has no auxiliary losses.
  using LossGradients = typename Routing::LossGradients;
  /// Tensors that backward consumes.
  using Saved = detail::MoeSaved<Routing, X, NoSharedExpert>;
  template <class Other>
  using rebind =
      SegmentMoE<S, typename Source::template rebind<Other>, R, N, C, typename X::template rebind<Other>, Feed>;

  static constexpr bool is_causal = Routing::is_causal;
  static constexpr bool is_batch_invariant = Routing::is_batch_invariant;
  /// Whether a pass can replay recorded choices (Context::replay).
  static constexpr bool replays = replays_choices<Routing>;
  /// Whether experts process the rows of x, so that HybridMoE can run them in one pass with the token level.
  static constexpr bool experts_read_rows = Routing::experts_read_rows;
  /// Name in error messages.
  static constexpr std::string_view name = "SegmentMoE";
  /// Clause of the error for x with a wrong number of columns: "x has 3 columns, the gate expects 4".
  static constexpr std::string_view reader = "the gate expects";

  /// Routing: cuts sequences into segments, selects experts and computes their gates.
  Routing routing;
  /// The experts.
  ExpertBank<X> bank;

  SegmentMoE() = default;
  /// The gate's and the source's weights are all zero. Throws Error if the bank has no experts or if parts or settings
  /// do not match it.
  SegmentMoE(S segmenter, Source source, R router, N normalizer, C capacity, ExpertBank<X> experts)
      : routing(segmenter, std::move(source), router, normalizer, capacity, experts.width(), experts.count()),
        bank(std::move(experts)) {
    require_consistent(name);
  }

  Index width() const { return routing.width(); }
  /// Calls visit(bank) for the layer's banks of experts, in the order of their numbers.
  template <class Visit, class Layer>
  static void visit_banks(const Visit& visit, Layer& layer) {
    visit(layer.bank);
  }

  /// Throws Error unless weights, buffers and settings match each other. Every public entry calls this, since all of
  /// them are assignable.
  void require_consistent(std::string_view where) const {
    require(routing.experts() == bank.count(), where, "the gate chooses among ", counted(routing.experts(), "experts"),
            ", there are ", bank.count());
    bank.require_consistent(where);
    require(width() == bank.width(), where, "the gate reads ", counted(width(), "columns"), ", experts read ",
            bank.width());
    routing.require_consistent(where);
  }
  /// Throws Error unless the shapes of `saved` match this layer and it has not been consumed.
  void require_saved(std::string_view where, const Saved& saved) const {
    const Index rows = saved.x_TD.rows;
    const Index routed_rows = experts_read_rows ? rows : saved.routing.cut.segments.count();
    require(saved.x_TD.cols == width() && routing.keeps(saved.routing, rows) &&
                saved.experts.fits(routed_rows, bank.span()),
            where, "`saved` must be what forward of this layer returned, not consumed yet, got one of ", rows, " x ",
            saved.x_TD.cols, " rows");
  }
  /// Throws Error unless the state comes from this layer's begin_decoding and has `count` sequences. `whose` ("x has")
  /// and `what` ("rows") name the source of `count` in the message.
  void require_state(std::string_view where, const DecodingState& state, Index count, std::string_view whose,
                     std::string_view what) const {
    routing.require_state(where, state, count, whose, what);
  }

  // --- for fusions that depend on the sum of a row's gates ----------------------------------------------------------

  /// For each row, the sum of its segment's gates over the experts that selected the segment, [1, T].
  Matrix<Real, Backend> mass_of_rows(const Context& context, const Saved& saved) const {
    return routing.mass_of_rows(context, mass_of_route<Real, Backend>(context, saved.experts.route), saved.routing);
  }
  /// Result of infer_with_mass and next_with_mass.
  struct Answer {
    /// Output, y_TD.
    Tensor output;
    /// Sum of each row's gates, as from mass_of_rows().
    Matrix<Real, Backend> mass_1T;
    /// Argument of routing.read().
    typename Routing::Saved routing;
  };
  /// infer that also returns the sum of each row's gates.
  Answer infer_with_mass(const Context& context, ConstView x_TD, const Batch& batch) const {
    auto [pending, saved] = routing.template route<Inference>(context, x_TD, batch);
    return answer(context, x_TD, std::move(pending), std::move(saved));
  }
  /// backward for a loss that also depends on mass_of_rows; d_mass_1T is the gradient of mass_1T.
  template <class GradientTree>
  Tensor backward_with_mass(const Context& context, ConstView d_y_TD, const LossGradients& d_losses, Saved saved,
                            GradientTree& gradient, View<const Real, Backend> d_mass_1T) const {
    NoSharedExpert nothing;
    return Base::backward_of(parts(), context, d_y_TD, d_losses, std::move(saved), ExpertSpan(gradient.bank.span()),
                             gradient.routing, nothing, d_mass_1T);
  }
  /// Decodes the next row of each sequence and returns the sum of its gates. The state does not advance until
  /// routing.advance() is called.
  Answer next_with_mass(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                        DecodingState& state) const {
    auto [pending, saved] = routing.decode(context, x_BD, tokens_B, state);
    return answer(context, x_BD, std::move(pending), std::move(saved));
  }

  // --- forward in two parts, for layers of several levels: the host waits once for the loads of all of them ----------

  /// The part of forward for which the host waits for nothing. Does not check its arguments.
  auto begin_forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    return Base::begin_forward_of(parts(), context, x_TD, batch);
  }
  /// The rest of forward, for what begin_forward() returned.
  auto finish_forward(const Context& context, ConstView x_TD, auto begun) const {
    return Base::finish_forward_of(parts(), context, x_TD, std::move(begun));
  }

  /// Updates the buffers from the statistics of one forward pass. Call it for each micro-batch after the optimizer
  /// step; a bias then moves once per micro-batch. Throws Error if the number of experts in `stats` differs from the
  /// layer's.
  void update_buffers(const Context& context, const Stats& stats) {
    require_consistent("SegmentMoE::update_buffers");
    routing.update_buffers(context, stats);
  }

  SegmentMoE empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.routing = routing.template empty_tree_of<Other>();
    tree.bank = bank.template empty_tree_of<Other>();
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    Routing::visit_parameters(visit, prefix, trees.routing...);
    ExpertBank<X>::visit_parameters(visit, prefix, trees.bank...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    Routing::visit_buffers(visit, prefix, trees.routing...);
  }

 private:
  using Base = MoeLayer<SegmentMoE, Value, Backend, LossGradients>;
  friend Base;
  friend typename Base::Entries;

  static constexpr NoSharedExpert no_path{};
  MoeParts<const Routing&, X, NoSharedExpert> parts() const { return {routing, bank.span(), no_path}; }

  auto make_forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    return Base::forward_of(parts(), context, x_TD, batch);
  }
  template <class GradientTree>
  Tensor make_backward(const Context& context, ConstView d_y_TD, const LossGradients& d_losses, Saved saved,
                       GradientTree& gradient) const {
    return backward_with_mass(context, d_y_TD, d_losses, std::move(saved), gradient, {});
  }
  Tensor make_inference(const Context& context, ConstView x_TD, const Batch& batch) const {
    return Base::inference_of(parts(), context, x_TD, batch);
  }
  DecodingState begin_state(const Context& context, Index sequences) const {
    return routing.begin_decoding(context, sequences);
  }
  Tensor make_prefill(const Context& context, ConstView x_TD, const Batch& batch, DecodingState& state) const {
    return Base::prefill_of(parts(), context, x_TD, batch, state);
  }
  Tensor make_decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                     DecodingState& state) const {
    return Base::next_of(parts(), context, x_BD, tokens_B, state);
  }
  template <class Pending>
  Answer answer(const Context& context, ConstView x_TD, Pending pending, typename Routing::Saved saved) const {
    auto route = arrived<Real, Backend>(context, std::move(pending));
    auto mass_1T = routing.mass_of_rows(context, mass_of_route<Real, Backend>(context, route), saved);
    auto y_TD = Base::outputs_of(parts(), context, x_TD, std::move(route), saved);
    return {std::move(y_TD), std::move(mass_1T), std::move(saved)};
  }
};

/// Also accepts arguments that match no constructor, so that the layer's static_asserts report the wrong argument.
template <class S, class Source, class R, class N, class C, class X>
SegmentMoE(S, Source, R, N, C, X) -> SegmentMoE<S, Source, R, N, C, typename detail::ExpertIn<X>::Type>;

}  // namespace moe
