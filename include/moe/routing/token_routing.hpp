#pragma once

#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/mode.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/settings.hpp"
#include "moe/ops/dispatch.hpp"
#include "moe/ops/route.hpp"
#include "moe/routing/balance/balance.hpp"
#include "moe/routing/balance/balance_over_all.hpp"
#include "moe/routing/gating.hpp"
#include "moe/routing/routing_module.hpp"
#include "moe/routing/steps/balance_loss.hpp"
#include "moe/routing/steps/choose.hpp"
#include "moe/routing/steps/z_loss.hpp"

namespace moe {

/// Routes each row by itself: logits, choice, gates, and capacity over all rows (eqs. 1, 2), with a balance loss and
/// the z-loss. Rows are stored as Value; parameters, and what is computed here, as Accum<Value>.
///
/// Weights: gate.weight [E, D]; buffers: thresholds or biases if the inference router uses them, balance_weight if the
/// balance adapts it.
template <class R, class N, class C, class Value_, class Backend_, class Bal = BalanceOverAll>
struct TokenRouting : Gating<R, N, C, Value_, Backend_>,
                      StatelessRouting<TokenRouting<R, N, C, Value_, Backend_, Bal>, Value_, Backend_> {
  static_assert(Balance<Bal>, "TokenRouting: the balance must be a Balance: bool counts(Index expert) const");
  static_assert(
      !LeavesOutShared<Bal> || HasSharedExpert<typename FormsOf<R>::Train>,
      "TokenRouting: BalanceOverRouted excludes the expert that every row selects; the router must name this expert by "
      "chosen_by_all(), as SharedTopK does");
  static_assert(!balances_sequences<Bal> || !HasGlobalForm<Bal>,
                "TokenRouting: a balance that is computed for each sequence takes f from this sequence alone; it must "
                "not declare is_global");

  /// The gate projection's weights, with router, normalizer and capacity.
  using Policies = Gating<R, N, C, Value_, Backend_>;
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// Type that routing is computed and stored in.
  using Real = Accum<Value>;
  /// Gradients of the auxiliary losses: the balance loss and the z-loss.
  using LossGradients = AuxiliaryGradient;
  template <class Other>
  using rebind = TokenRouting<R, N, C, Other, Backend, Bal>;

  static constexpr bool is_causal = router_is_causal<R> && !Policies::drops_in_inference;
  static constexpr bool is_batch_invariant = router_is_batch_invariant<R> && !Policies::drops_in_inference;
  /// Whether recorded choices can be replayed.
  static constexpr bool replays = true;

  /// Statistics of one pass. load[e]: rows that expert e processed; dropped[e]: rows that it dropped, empty if the
  /// capacity never drops.
  struct Stats {
    /// The balance loss, possibly pending; balance_loss() waits for it.
    DeferredLoss<Real, Backend> balance;
    /// The z-loss, possibly pending; z_loss() waits for it.
    DeferredLoss<Real, Backend> z;
    /// Number of rows that each expert processed.
    std::vector<Index> load;
    /// Number of rows that each expert dropped.
    std::vector<Index> dropped;
    /// Boundaries that update the thresholds; empty if there are none, as in a replay of recorded choices.
    Matrix<Real, Backend> boundary_1E;
    /// Number of routed rows.
    Index rows = 0;

    /// Number of rows that selected each expert, dropped ones included.
    std::vector<Index> wanted() const {
      std::vector<Index> all = load;
      for (std::size_t e = 0; e < dropped.size(); ++e) all[e] += dropped[e];
      return all;
    }
    /// Number of pairs (row, expert), dropped ones included.
    Index choices() const {
      const auto all = wanted();
      return std::accumulate(all.begin(), all.end(), Index{0});
    }
    /// Visits what update_buffers reads (core/observed.hpp).
    template <class Visit, class Self>
    static void visit_observed(const Visit& visit, Self& stats) {
      visit(stats.load);
      visit(stats.dropped);
      visit(stats.boundary_1E);
      visit(stats.rows);
    }
    /// n sum_i f_i p_i over the n counted experts (eq. 8 without alpha).
    double balance_loss() const { return balance; }
    /// mean (log sum exp z)^2 (ST-MoE's router z-loss without its coefficient).
    double z_loss() const { return z; }
  };
  /// What make_stats and backward need of a route.
  struct Saved {
    /// Logits, choice and gates.
    Decision<Real, Backend> decision;
    /// f of the balance loss, a constant in backward.
    BalanceShares<Real, Backend> shares;
    /// Offsets of the batch's sequences if the balance loss is computed for each sequence; otherwise empty.
    std::vector<Index> sequences{};
    /// Sums over rows of p for the balance loss, if the loss needs the loads.
    typename Backend::template AsyncCopy<Real> p_sums_1E;
    /// The balance loss if it is computed for each sequence, which does not need the loads.
    DeferredLoss<Real, Backend> balance;
    /// The z-loss.
    DeferredLoss<Real, Backend> z;
  };
  /// A route and what is saved of it.
  using RoutingResult = RoutingResultOf<Saved, Real, Backend>;

  /// Defines the balance loss: the experts that it counts, and its formula.
  Bal balance;
  /// Weight of the balance loss, if the balance adapts it.
  Vector<Real, Backend> balance_weight_1;

  TokenRouting() = default;
  /// The gate starts at zero. Throws Error for settings of the policies that do not fit the number of experts.
  TokenRouting(R router_, N normalizer_, C capacity_, Index width, Index experts, Bal balance_ = {})
      : Policies(router_, normalizer_, capacity_, width, experts), balance(balance_) {
    if constexpr (LearnsWeight<Bal>) {
      balance_weight_1 = Vector<Real, Backend>(1);
      const Real first = static_cast<Real>(balance.first_weight);
      Backend::upload({}, &first, balance_weight_1.view());
    }
    require_settings(balance, experts);
  }

  Index width() const { return this->gate.in(); }
  /// Number of experts, E.
  Index experts() const { return this->gate.out(); }

  /// Throws Error unless weights, buffers and settings fit each other.
  void require_consistent(std::string_view where) const {
    Policies::require_consistent(where);
    require_settings(balance, experts());
    if constexpr (LearnsWeight<Bal>)
      require(balance_weight_1.size() == 1, where, "the balance must have one weight, got ", balance_weight_1.size());
  }
  /// Whether `saved` belongs to a pass over `rows` rows; false after it was consumed.
  bool keeps(const Saved& saved, Index rows) const { return saved.decision.fits(rows, experts()); }

  /// x_TD -> which experts process each row, and their gates. In training the losses are also enqueued here, so that
  /// they are computed while the loads are copied to the host. Throws Error as Gating::decide.
  template <class Mode>
  RoutingResult route(const Context& context, ConstView x_TD, const Batch& batch) const {
    return route_rows<Mode>(context, x_TD, RowInfo::of_rows(batch), batch.offsets);
  }
  /// Routes one more row of each sequence. tokens_B is empty or has a token id for each row.
  RoutingResult decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                       NoDecodingState&) const {
    return route_rows<Inference>(context, x_BD, {tokens_B, {}, {}}, {});
  }
  /// The losses and loads of a route; offsets[e+1] - offsets[e]: number of rows of expert e. Moves the losses and the
  /// boundaries out of `saved`: call it once.
  Stats make_stats(const Context& context, Saved& saved, ListView<Index> offsets) const {
    const PhaseScope scope(context, Phase::router);
    Decision<Real, Backend>& decision = saved.decision;
    Stats stats;
    stats.load = loads_of(offsets);
    stats.dropped = decision.dropped;
    stats.rows = decision.logits_RE.rows();
    stats.balance = std::move(saved.balance);
    if constexpr (!balances_sequences<Bal>) {
      auto loss = moe::balance_loss<Real, Backend>(
          context, balance, std::move(saved.p_sums_1E), decision.logits_RE.rows(),
          stats.dropped.empty() ? ListView<Index>(stats.load) : ListView<Index>(stats.wanted()));
      saved.shares = std::move(loss.shares);
      stats.balance = std::move(loss.loss);
    }
    stats.z = std::move(saved.z);
    // Without rows there is no boundary, and thresholds must not be updated.
    if (decision.logits_RE.rows() > 0) stats.boundary_1E = std::move(decision.choice.boundary_1E);
    return stats;
  }
  /// Backward of d_weights_1N of the part's pairs and of d_losses through normalizer and gate: adds to d_x_TD and to
  /// `gradient`.
  template <class GradientTree>
  void backward(const Context& context, const PlanPart<Backend>& part, View<const Real, Backend> d_weights_1N,
                LossGradients d_losses, const Saved& saved, ConstView x_TD, GradientTree& gradient,
                View<Value, Backend> d_x_TD) const {
    const PhaseScope scope(context, Phase::router);
    const auto d_gates_TE = gates_of_pairs_backward<Real, Backend>(context, d_weights_1N, x_TD.rows, part);
    const auto logits_TE = saved.decision.logits_RE.view();
    auto d_logits_TE = Policies::normalizer_backward(context, d_gates_TE, saved.decision);
    add_balance_loss_backward<Real, Backend>(context, balance, logits_TE, saved.shares, d_losses.balance,
                                             balance_weight_1.view(), d_logits_TE.view());
    add_z_loss_backward<Real, Backend>(context, logits_TE, d_losses.z, d_logits_TE.view());
    Policies::add_gate_backward(context, d_logits_TE.const_view(), saved.decision, x_TD, gradient.gate, d_x_TD);
  }

  /// Updates thresholds, biases and the balance weight from the statistics of one forward pass. Throws Error if the
  /// number of experts in `stats` differs from E.
  void update_buffers(const Context& context, const Stats& stats) {
    Policies::update_buffers(context, stats.boundary_1E);
    if constexpr (Policies::has_biases) Policies::update_biases(context, stats.wanted());
    if constexpr (LearnsWeight<Bal>) {
      if (stats.rows == 0) return;
      const double choices = static_cast<double>(stats.choices()) / static_cast<double>(stats.rows);
      Backend::for_each_element(
          context, 1, [rule = balance, choices, weight_1 = balance_weight_1.view()] MOE_ON_DEVICE(Index) {
            weight_1(0, 0) = static_cast<Real>(rule.updated_weight(static_cast<double>(weight_1(0, 0)), choices));
          });
    }
  }

  TokenRouting empty_tree() const { return empty_tree_of<Value>(); }
  /// An empty parameter tree with values of type Other.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    Policies::copy_policies_to(tree);
    tree.balance = balance;
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    Policies::visit_parameters(visit, prefix, trees...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    Policies::visit_buffers(visit, prefix, trees...);
    if constexpr (LearnsWeight<Bal>) visit(prefix + "balance_weight", trees.balance_weight_1...);
  }

 private:
  template <class Mode>
  RoutingResult route_rows(const Context& context, ConstView x_TD, RowInfo facts, ListView<Index> offsets) const {
    Saved saved;
    saved.decision = Policies::template decide<Mode>(context, x_TD, facts);
    Policies::report(context, {}, saved.decision);
    auto route = begin_route<Real, Backend>(context, View<const ChoiceOrder, Backend>(saved.decision.kept()),
                                            saved.decision.gates_RE.const_view(), saved.decision.choice.expected);
    if constexpr (std::is_same_v<Mode, Training>) begin_losses(context, offsets, saved);
    return {std::move(route), std::move(saved)};
  }
  void begin_losses(const Context& context, [[maybe_unused]] ListView<Index> offsets, Saved& saved) const {
    const PhaseScope scope(context, Phase::router);
    const auto logits_TE = saved.decision.logits_RE.const_view();
    if constexpr (balances_sequences<Bal>) {
      saved.sequences.assign(offsets.begin(), offsets.end());
      auto loss = sequence_balance_loss<Real, Backend>(context, balance, logits_TE,
                                                       saved.decision.choice.chosen_RE.const_view(), saved.sequences,
                                                       balance_weight_1.view());
      saved.shares = std::move(loss.shares);
      saved.balance = std::move(loss.loss);
    } else {
      saved.p_sums_1E = sums_of_balance_scores<Real, Backend>(context, balance, logits_TE, balance_weight_1.view());
    }
    saved.z = moe::z_loss<Real, Backend>(context, logits_TE);
  }
};

}  // namespace moe
