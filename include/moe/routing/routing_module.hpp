#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/mode.hpp"
#include "moe/core/module.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/view.hpp"
#include "moe/ops/route.hpp"

namespace moe {

/// Whether a routing module can replay the choices of the context's record: it then declares
/// `static constexpr bool replays = true`. A layer with any other module throws Error for a context with a record.
template <class M>
inline constexpr bool replays_choices = requires {
  requires M::replays;
};

/// Result of a routing module's route(): a pending route, and what make_stats and backward need of it.
template <class Saved, class Real, class B>
struct RoutingResultOf {
  /// The pending route.
  PendingRoute<Real, B> route;
  /// What make_stats and backward need.
  Saved saved;
};

/// Default members for a routing module that keeps no state between the rows of a sequence: derive `Self` from it. The
/// defaults have no losses, no buffers and no updates outside gradients, and every expert output belongs to the row
/// that the expert reads. A module replaces a default by a member of the same name.
template <class Self, class Value_, Backend Backend_>
struct StatelessRouting {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// Type that routing is computed and stored in.
  using Real = Accum<Value>;
  /// No state.
  using DecodingState = NoDecodingState;
  /// No auxiliary losses.
  using LossGradients = NoLossGradients;
  /// No statistics.
  using Stats = NoStats;

  /// In inference no choice depends on a later row.
  static constexpr bool is_causal = true;
  /// In inference no choice depends on any other row of the batch.
  static constexpr bool is_batch_invariant = true;

  /// Experts read rows of x, and their outputs belong to these rows.
  static constexpr bool experts_read_rows = true;
  /// Input of the experts.
  template <class Saved>
  static ConstView fed(ConstView x_TD, const Saved&) {
    return x_TD;
  }
  /// Outputs of the experts, unchanged.
  template <class Saved>
  static Tensor outputs_of_rows(const Context&, Tensor y_TD, const Saved&) {
    return y_TD;
  }

  /// Nothing to check.
  void require_consistent(std::string_view) const {}
  /// Nothing to report.
  template <class Saved>
  Stats make_stats(const Context&, Saved&, ListView<Index> /*offsets*/) const {
    return {};
  }
  /// No updates outside gradients.
  template <class Observed>
  void update_buffers(const Context&, const Observed&) {}
  /// No buffers.
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&&, const std::string& /*prefix*/, Trees&&...) {}

  /// No state.
  DecodingState begin_decoding(const Context&, Index /*sequences*/) const { return {}; }
  /// Routes one more row of each sequence. tokens_B is empty or has a token id for each row.
  template <class Complete = Self>
  typename Complete::RoutingResult decode(const Context& context, ConstView x_BD,
                                          std::span<const std::int32_t> tokens_B, DecodingState&) const {
    Batch batch{std::vector<Index>(static_cast<std::size_t>(x_BD.rows) + 1), tokens_B, {}, {}};
    std::iota(batch.offsets.begin(), batch.offsets.end(), Index{0});
    return static_cast<const Complete&>(*this).template route<Inference>(context, x_BD, batch);
  }
  /// No state to update after a decoded row.
  void advance(const Context&, ConstView /*x_BD*/, std::span<const std::int32_t> /*tokens_B*/, DecodingState&) const {}
  /// No state to update after a routed batch.
  template <class Saved>
  void read(const Context&, ConstView /*x_TD*/, const Batch&, const Saved&, DecodingState&) const {}
  /// Every state fits.
  void require_state(std::string_view, const DecodingState&, Index, std::string_view, std::string_view) const {}
};

// --- the contract in parts, so that a compile error names the missing one -------------------------------------------

namespace detail {

/// M defines its types, and constants that hold for all of its choices.
template <class M>
concept NamesRouting = requires {
  typename M::Value;
  typename M::Backend;
  typename M::Real;
  typename M::Saved;
  typename M::RoutingResult;
  typename M::Stats;
  typename M::DecodingState;
  typename M::LossGradients;
  { M::is_causal } -> std::convertible_to<bool>;
  { M::is_batch_invariant } -> std::convertible_to<bool>;
  { M::experts_read_rows } -> std::convertible_to<bool>;
};
/// M's parameters and buffers can be visited.
template <class M>
concept WalksRouting = Module<M> && requires(M& self, archetype::Visitor visit, std::string prefix) {
  M::visit_buffers(visit, prefix, self);
};
/// M computes a route, in training and in inference.
template <class M>
concept MakesRoute = requires(const M& self, const typename M::Backend::Context& context,
                              View<const typename M::Value, typename M::Backend> x_TD, const Batch& batch) {
  { self.template route<Training>(context, x_TD, batch) } -> std::same_as<typename M::RoutingResult>;
  { self.template route<Inference>(context, x_TD, batch) } -> std::same_as<typename M::RoutingResult>;
  requires requires(typename M::RoutingResult routed) {
    routed.route;
    { routed.saved } -> std::same_as<typename M::Saved&>;
  };
};
/// M defines the input of the experts and maps their outputs to rows of x.
template <class M>
concept FeedsExperts = requires(const M& self, const typename M::Backend::Context& context,
                                View<const typename M::Value, typename M::Backend> x_TD,
                                Matrix<typename M::Value, typename M::Backend> y, const typename M::Saved& saved) {
  self.fed(x_TD, saved);
  self.outputs_of_rows(context, std::move(y), saved);
};
/// M reports losses and updates its buffers from the stats.
template <class M>
concept ReportsRouting = requires(const M& self, M& learner, const typename M::Backend::Context& context,
                                  typename M::Saved& saved, ListView<Index> offsets, const typename M::Stats& stats) {
  { self.make_stats(context, saved, offsets) } -> std::same_as<typename M::Stats>;
  { stats.balance_loss() } -> std::convertible_to<double>;
  { stats.z_loss() } -> std::convertible_to<double>;
  learner.update_buffers(context, stats);
};
/// L holds the gradients of the auxiliary losses.
template <class L>
concept LossGradientsOfRouting = std::default_initializable<L> && std::convertible_to<AuxiliaryGradient, L> &&
    requires(const L& d_losses) {
  { d_losses.values().size() } -> std::convertible_to<std::size_t>;
};
/// M has a backward pass.
template <class M>
concept DifferentiatesRoute = requires(const M& self, M& gradient, const typename M::Backend::Context& context,
                                       const PlanPart<typename M::Backend>& part,
                                       View<const typename M::Real, typename M::Backend> d_weights_1N,
                                       const typename M::LossGradients& d_losses, const typename M::Saved& saved,
                                       View<const typename M::Value, typename M::Backend> x_TD,
                                       View<typename M::Value, typename M::Backend> d_x_TD) {
  self.backward(context, part, d_weights_1N, d_losses, saved, x_TD, gradient, d_x_TD);
};
/// M reports its sizes and can check its consistency.
template <class M>
concept HasRoutingSizes = requires(const M& self, const typename M::Saved& saved, std::string_view where, Index rows) {
  { self.width() } -> std::same_as<Index>;
  { self.experts() } -> std::same_as<Index>;
  { self.keeps(saved, rows) } -> std::same_as<bool>;
  self.require_consistent(where);
};
/// M decodes row by row if it is causal.
template <class M>
concept DecodesRoute = !bool(M::is_causal) || requires(const M& self, const typename M::Backend::Context& context,
                                                       View<const typename M::Value, typename M::Backend> x_TD,
                                                       std::span<const std::int32_t> tokens, const Batch& batch,
                                                       const typename M::Saved& saved, typename M::DecodingState& state,
                                                       Index count, std::string_view text) {
  { self.begin_decoding(context, count) } -> std::same_as<typename M::DecodingState>;
  self.decode(context, x_TD, tokens, state).route;
  self.advance(context, x_TD, tokens, state);
  self.read(context, x_TD, batch, saved, state);
  self.require_state(text, state, count, text, text);
};

/// Parts of the contract that apply only to backends that compute; a backend with shapes alone stores and routes
/// nothing.
template <class M>
concept ComputesRoute =
    MakesRoute<M> && FeedsExperts<M> && ReportsRouting<M> && DifferentiatesRoute<M> && DecodesRoute<M>;

/// Reports the first part of the contract that M does not fulfill, as a compile error.
template <class M>
constexpr bool explain_routing_module() {
  static_assert(
      NamesRouting<M>,
      "a routing module must name Value, Backend, Real, Saved, RoutingResult, Stats, DecodingState and "
      "LossGradients, and define is_causal, is_batch_invariant and experts_read_rows; derive from StatelessRouting "
      "for most of them");
  if constexpr (NamesRouting<M>) {
    static_assert(WalksRouting<M>,
                  "a routing module must have visit_parameters(visit, prefix, trees...), visit_buffers of the same "
                  "form and empty_tree() const, which returns the module with empty tensors");
    static_assert(LossGradientsOfRouting<typename M::LossGradients>,
                  "a routing module's LossGradients must have values() and be made from AuxiliaryGradient, as by "
                  "static LossGradients from(AuxiliaryGradient)");
    static_assert(HasRoutingSizes<M>,
                  "a routing module must have width(), experts(), keeps(saved, rows) and require_consistent(where)");
    if constexpr (computes<typename M::Backend>) {
      static_assert(MakesRoute<M>,
                    "a routing module must have route<Training> and route<Inference>(context, x_TD, batch) const that "
                    "return its RoutingResult: a route and what is saved of it, as RoutingResultOf is");
      static_assert(FeedsExperts<M>,
                    "a routing module must have fed(x_TD, saved) and outputs_of_rows(context, y, saved); derive from "
                    "StatelessRouting where experts read rows of x");
      static_assert(ReportsRouting<M>,
                    "a routing module must have make_stats(context, saved, offsets) const that returns its Stats, "
                    "which have balance_loss() and z_loss(), and update_buffers(context, stats)");
      static_assert(DifferentiatesRoute<M>,
                    "a routing module must have backward(context, part, d_weights_1N, d_losses, saved, x_TD, "
                    "gradient, d_x_TD) const");
      static_assert(DecodesRoute<M>,
                    "a causal routing module (is_causal) must have begin_decoding, decode, advance, read and "
                    "require_state; derive from StatelessRouting if no state is kept between rows");
    }
  }
  return true;
}

}  // namespace detail

/// Computes the route of a layer and owns everything that is learned in routing. A layer calls
///
///   route<Training or Inference>(context, x_TD, batch) -> {route, saved}
///   fed(x_TD, saved), outputs_of_rows(context, y, saved)  the experts' input, and their outputs for rows of x
///   make_stats(context, saved, offsets) -> Stats          losses and loads; called once, when the experts are enqueued
///   backward(context, part, d_weights_1N, d_losses, saved, x_TD, gradient, d_x_TD)
///                                                         adds to d_x_TD and into `gradient`
///   begin_decoding(context, sequences) -> DecodingState, decode(context, x_BD, tokens_B, state) -> {route, saved},
///   advance(context, x_BD, tokens_B, state), read(context, x_TD, batch, saved, state)
///                                                         only if it is causal; decode stays at its row until advance,
///                                                         read updates the state after a routed batch
///   update_buffers(context, stats)                        updates outside gradients, from one forward pass
///   width(), experts(), require_consistent(where), keeps(saved, rows), require_state(where, state, count, whose, what)
///
/// and visits its parameters and buffers, as for every module. LossGradients are the gradients of the module's
/// auxiliary losses, and its Stats reports their values. StatelessRouting has defaults for modules that keep no state
/// between rows; NoisyTopK is an example.
template <class M>
concept RoutingModule = detail::NamesRouting<M> && detail::WalksRouting<M> &&
    detail::LossGradientsOfRouting<typename M::LossGradients> && detail::HasRoutingSizes<M> &&
    (!computes<typename M::Backend> || detail::ComputesRoute<M>);

}  // namespace moe
