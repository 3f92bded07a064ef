#pragma once

#include <concepts>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/entry.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/misuse.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/settings.hpp"
#include "moe/core/trees.hpp"
#include "moe/experts/always_on.hpp"
#include "moe/experts/always_on_path.hpp"
#include "moe/experts/expert_bank.hpp"
#include "moe/experts/moe_ffn.hpp"
#include "moe/ops/add.hpp"
#include "moe/routing/balance/balance.hpp"
#include "moe/routing/balance/balance_over_all.hpp"
#include "moe/routing/gating.hpp"
#include "moe/routing/steps/balance_loss.hpp"
#include "moe/routing/steps/choose.hpp"
#include "moe/routing/steps/z_loss.hpp"

namespace moe {

/// Each row goes to the experts its router chooses and gets the gate-weighted sum of their answers (eqs. 1, 2):
/// y_t = sum_e g_te E_e(x_t) + always_on(x_t).
///
/// Weights: gate.weight [E, D], experts.e.*, and those of the always-on path.
template <class R, class N, class C, class X, class Path = NoAlwaysOn, class Bal = BalanceOverAll>
class TokenMoE {
  static_assert(Router<R>, "TokenMoE: 1st argument must be a Router: choose(Row<const Real>, Row<Rank>) const");
  static_assert(
      GateNormalizer<N>,
      "TokenMoE: 2nd argument must be a GateNormalizer: normalize(logits_E, chosen_E, gates_E) const and backward");
  static_assert(Capacity<C>, "TokenMoE: 3rd argument must be a Capacity: Index rows_per_expert(Demand) const");
  static_assert(Expert<X>, "TokenMoE: 4th argument must be an ExpertBank of Experts such as SwiGlu<float, Cpu<>>");
  static_assert(
      AlwaysOn<Path, typename X::Value, typename X::Backend>,
      "TokenMoE: 5th argument must be an always-on path of the experts' value type and backend, or NoAlwaysOn");
  static_assert(Balance<Bal>, "TokenMoE: 6th argument must be a Balance: bool counts(Index expert) const");
  static_assert(
      !LeavesOutShared<Bal> || NamesShared<typename RoutingOf<R>::Train>,
      "TokenMoE: BalanceOverRouted leaves out the expert that every row chooses, and this router names none by "
      "chosen_by_all(), as SharedTopK does");

 public:
  using Value = typename X::Value;
  using Backend = typename X::Backend;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// What routing is computed and kept in.
  using Real = Wide<Value>;
  using ExpertType = X;
  using DecodingState = NoDecodingState;
  template <class Other>
  using rebind = TokenMoE<R, N, C, typename X::template rebind<Other>, typename Path::template rebind<Other>, Bal>;

  static constexpr bool is_causal = router_is_causal<R> && !Gating<R, N, C, Value, Backend>::drops_in_inference;
  static constexpr bool is_batch_independent =
      router_is_batch_independent<R> && !Gating<R, N, C, Value, Backend>::drops_in_inference;

  /// Whether the layer is nothing but routed experts, so that its plan is the whole of it.
  static constexpr bool only_experts = std::is_same_v<Path, NoAlwaysOn>;

  /// What the run observed. load[e]: rows expert e worked on; dropped[e]: rows it could not take, empty where the
  /// capacity never drops.
  struct Stats {
    /// See balance_loss(), which waits for it.
    LateLoss<Real, Backend> balance;
    /// See z_loss(), which waits for it.
    LateLoss<Real, Backend> z;
    /// Rows of each expert.
    std::vector<Index> load;
    /// Rows that each expert could not take.
    std::vector<Index> dropped;
    /// What thresholds learn from; empty where no boundary was drawn.
    Matrix<Real, Backend> boundary_1E;
    /// Rows that were routed.
    Index rows = 0;

    /// Rows that chose each expert: those it worked on and those it could not take.
    std::vector<Index> wanted() const {
      std::vector<Index> all = load;
      for (std::size_t e = 0; e < dropped.size(); ++e) all[e] += dropped[e];
      return all;
    }
    /// Pairs of a row and an expert that it chose.
    Index choices() const {
      const auto all = wanted();
      return std::accumulate(all.begin(), all.end(), Index{0});
    }
    /// N sum f_i p_i (eq. 8 without alpha).
    double balance_loss() const { return balance; }
    /// mean (log sum exp z)^2 (ST-MoE's router z-loss without its coefficient).
    double z_loss() const { return z; }
  };
  /// Who and how much, and what its backward needs.
  struct Routed {
    /// Logits, choice and gates.
    Decision<Real, Backend> decision;
    /// Share of each counted expert among the choices, a constant in backward.
    BalanceShares<Real, Backend> shares;
    /// Where the batch's sequences begin, if they are balanced each for itself; otherwise empty.
    std::vector<Index> sequences{};
  };
  /// The losses of a decision, as far as they do not depend on who got which row.
  struct Losses {
    /// What the balance loss needs of the logits, where it waits for the loads.
    typename Backend::template Later<Real> p_sums_1E;
    /// The balance loss, where it is that of single sequences and waits for nothing.
    BalanceLoss<Real, Backend> of_sequences;
    /// The z-loss.
    LateLoss<Real, Backend> z;
  };
  /// What backward consumes.
  struct Saved {
    Tensor x_owned;
    ConstView x_TD;
    /// The decision.
    Routed routed;
    MixSaved<X> mix;
    /// What the path beside the experts keeps.
    typename Path::Saved path;
  };
  /// Who works on which row, and what the decision came from.
  struct Planned {
    /// The pairs (row, expert).
    moe::Plan<Backend> plan;
    /// What the plan came from.
    Routed routed;
    /// What the decision observed.
    Stats stats;
  };

  /// Chooses and weighs experts.
  Gating<R, N, C, Value, Backend> gating;
  /// The experts.
  ExpertBank<X> bank;
  /// The path beside them.
  Path always_on;
  /// Over whom the balance loss runs.
  Bal balance;
  /// What the balance loss is multiplied by, where the balance learns it.
  Vector<Real, Backend> balance_weight_1;

  TokenMoE() = default;
  /// The gate is all zero. Throws Error for a bank without experts and for parts and settings that do not fit them.
  TokenMoE(R router, N normalizer, C capacity, ExpertBank<X> experts, Path path = {}, Bal balance_over = {})
      : gating(router, normalizer, capacity, experts.width(), experts.count()),
        bank(std::move(experts)),
        always_on(std::move(path)),
        balance(balance_over) {
    if constexpr (LearnsWeight<Bal>) {
      balance_weight_1 = Vector<Real, Backend>(1);
      const Real first = static_cast<Real>(balance.first_weight);
      Backend::upload({}, &first, balance_weight_1.view());
    }
    require_consistent("TokenMoE");
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
    require_settings(always_on, width());
    require_settings(balance, bank.count());
    if constexpr (LearnsWeight<Bal>)
      require(balance_weight_1.size() == 1, where, "the balance must have one weight, got ", balance_weight_1.size());
  }
  /// Throws Error unless `saved` is of this layer, as far as shapes tell, and not consumed yet.
  void require_saved(std::string_view where, const Saved& saved) const {
    require_consistent(where);
    const Index rows = saved.x_TD.rows;
    bool fits = saved.x_TD.cols == width() && saved.routed.decision.fits(rows, bank.count()) &&
                saved.mix.fits(rows, bank.count(), bank.experts.front());
    if constexpr (requires { always_on.keeps(saved.path, rows); }) fits = fits && always_on.keeps(saved.path, rows);
    require(fits, where, "`saved` must be what forward of this layer returned, not consumed yet, got one of ", rows,
            " x ", saved.x_TD.cols, " rows with logits of ", saved.routed.decision.logits_RE.rows(), " x ",
            saved.routed.decision.logits_RE.cols());
  }

  // --- the light half: who, and how much ----------------------------------------------------------------------------

  /// Who works on each row in training, and how much each counts.
  Routed decide(const Context& context, ConstView x_TD, const Batch& batch) const {
    Routed routed{gating.decide_in_training(context, x_TD, RowFacts::of_rows(batch)), {}, {}};
    if constexpr (balances_sequences<Bal>) routed.sequences = batch.offsets;
    gating.report(context, "token", routed.decision);
    return routed;
  }
  /// The same by the inference router.
  Routed decide_for_inference(const Context& context, ConstView x_TD, RowFacts facts) const {
    Routed routed{gating.decide_in_inference(context, x_TD, facts), {}, {}};
    gating.report(context, "token", routed.decision);
    return routed;
  }
  /// Begins with the losses of a decision: what is computed while the loads travel.
  Losses begin_losses(const Context& context, const Routed& routed) const {
    begin_phase(context, Phase::router);
    const auto logits_TE = logits(routed.decision);
    Losses losses;
    if constexpr (balances_sequences<Bal>)
      losses.of_sequences = sequence_balance_loss<Real, Backend>(context, balance, logits_TE,
                                                                 std::as_const(routed.decision.choice.chosen_RE).view(),
                                                                 routed.sequences, balance_weight_1.view());
    else
      losses.p_sums_1E = sums_of_balance_scores<Real, Backend>(context, balance, logits_TE, balance_weight_1.view());
    losses.z = moe::z_loss<Real, Backend>(context, logits_TE);
    return losses;
  }
  /// The losses and loads of a decision; offsets[e+1] - offsets[e]: rows expert e works on.
  Stats account(const Context& context, Routed& routed, Losses losses, ListView<Index> offsets) const {
    begin_phase(context, Phase::router);
    Decision<Real, Backend>& decision = routed.decision;
    Stats stats;
    stats.load = loads_of(offsets);
    stats.dropped = decision.dropped;
    stats.rows = decision.logits_RE.rows();
    auto loss = std::move(losses.of_sequences);
    if constexpr (!balances_sequences<Bal>)
      loss = moe::balance_loss<Real, Backend>(
          context, balance, std::move(losses.p_sums_1E), decision.logits_RE.rows(),
          stats.dropped.empty() ? ListView<Index>(stats.load) : ListView<Index>(stats.wanted()));
    routed.shares = std::move(loss.shares);
    stats.balance = std::move(loss.loss);
    stats.z = std::move(losses.z);
    // Without rows there was no boundary to draw, and thresholds must not follow one.
    if (decision.logits_RE.rows() > 0) stats.boundary_1E = std::move(decision.choice.boundary_1E);
    return stats;
  }
  /// d_gates_TE and the auxiliary losses -> through normalizer and gate, added to d_x_TD.
  template <class Slopes>
  void decision_back(const Context& context, View<const Real, Backend> d_gates_TE, AuxiliaryGradient d_stats,
                     const Routed& routed, ConstView x_TD, Slopes& gradient, View<Value, Backend> d_x_TD) const {
    begin_phase(context, Phase::router);
    auto d_logits_TE = gating.normalizer_back(context, d_gates_TE, routed.decision);
    add_balance_loss_back<Real, Backend>(context, balance, logits(routed.decision), routed.shares, d_stats.balance,
                                         balance_weight_1.view(), d_logits_TE.view());
    add_z_loss_back<Real, Backend>(context, logits(routed.decision), d_stats.z, d_logits_TE.view());
    gating.add_gate_back(context, std::as_const(d_logits_TE).view(), routed.decision, x_TD, gradient.gating.gate,
                         d_x_TD);
  }

  // --- both halves --------------------------------------------------------------------------------------------------

  /// The light half in training, and the pairs sorted by expert. Throws Error as forward does.
  Planned plan(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("TokenMoE::plan", x_TD, batch);
    Planned planned{{}, decide(context, x_TD, batch), {}};
    auto grouping = begin_grouping(context, planned.routed.decision);
    auto losses = begin_losses(context, planned.routed);
    begin_phase(context, Phase::dispatch);
    planned.plan = Backend::finish_grouping(context, planned.routed.decision.kept(), std::move(grouping));
    planned.plan.complete();
    planned.stats = account(context, planned.routed, std::move(losses), planned.plan.offsets);
    return planned;
  }

  /// The heavy half: x_TD is what `planned` was made from. Throws Error for one that was made from other rows or run
  /// already.
  Forward<Tensor, Saved, Stats> run(const Context& context, ConstView x_TD, Planned planned) const {
    require_consistent("TokenMoE::run");
    require_rows("TokenMoE::run", x_TD, "the gate expects", width());
    require(planned.routed.decision.fits(x_TD.rows, bank.count()) && planned.plan.experts() == bank.count(),
            "TokenMoE::run", "the plan must be of this layer and of ", x_TD.rows, " rows, got one of ",
            planned.plan.experts(), " experts and ", planned.routed.decision.logits_RE.rows(), " rows");
    begin_phase(context, Phase::experts);
    auto path = always_on.begin(context, x_TD);
    auto [y_TD, saved] = answer(context, x_TD, std::move(planned.routed), std::move(planned.plan), std::move(path));
    return {std::move(y_TD), std::move(saved), std::move(planned.stats)};
  }

  /// x_TD -> y_TD. The view's memory must outlive `saved`. Throws Error when x's columns or the batch's rows do not
  /// fit, and when the layer draws random numbers and the batch has no key for them.
  Forward<Tensor, Saved, Stats> forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("TokenMoE::forward", x_TD, batch);
    // What does not depend on the loads is enqueued while they travel, the experts whose loads are known included.
    Routed routed = decide(context, x_TD, batch);
    auto grouping = begin_grouping(context, routed.decision);
    auto losses = begin_losses(context, routed);
    begin_phase(context, Phase::experts);
    auto path = always_on.begin(context, x_TD);
    begin_phase(context, Phase::dispatch);
    auto plan = Backend::finish_grouping(context, routed.decision.kept(), std::move(grouping));
    auto [y_TD, saved] = answer(context, x_TD, std::move(routed), std::move(plan), std::move(path));
    Stats stats = account(context, saved.routed, std::move(losses), saved.mix.plan.offsets);
    return {std::move(y_TD), std::move(saved), std::move(stats)};
  }
  /// The same for a matrix that `saved` is to keep.
  Forward<Tensor, Saved, Stats> forward(const Context& context, Tensor&& x_TD, const Batch& batch) const {
    auto result = forward(context, std::as_const(x_TD).view(), batch);
    result.saved.x_owned = std::move(x_TD);
    return result;
  }

  /// d_y_TD -> d_x_TD; adds into `gradient`, a tree of the layer's values or of wide ones, skipping its empty tensors.
  /// Throws Error when d_y has another shape than x.
  template <detail::SlopesOf<TokenMoE> Slopes>
  Tensor backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient d_stats, Saved&& consumed,
                  Slopes& gradient) const {
    require_output_gradient("TokenMoE::backward", d_y_TD, consumed.x_TD, d_stats);
    require_saved("TokenMoE::backward", consumed);
    require_gradient("TokenMoE::backward", *this, gradient);
    Saved saved = std::move(consumed);
    auto [d_x_TD, d_gates_TE] =
        mix_back<X>(context, bank.span(), d_y_TD, saved.x_TD, std::move(saved.mix), ExpertSpan(gradient.bank.span()));
    begin_phase(context, Phase::experts);
    always_on.backward(context, d_y_TD, saved.x_TD, std::move(saved.path), d_x_TD.view(), gradient.always_on);
    decision_back(context, d_gates_TE, d_stats, saved.routed, saved.x_TD, gradient, d_x_TD.view());
    return std::move(d_x_TD);
  }

  /// forward with the inference router and nothing kept. Throws Error as forward does.
  Tensor infer(const Context& context, ConstView x_TD, const Batch& batch) const {
    check("TokenMoE::infer", x_TD, batch);
    return answer(context, x_TD, RowFacts::of_rows(batch));
  }

  /// Nothing to remember.
  DecodingState begin_decoding(const Context&, Index /*sequences*/) const requires(is_causal) { return {}; }
  /// infer over the first rows of every sequence.
  Tensor prefill(const Context& context, ConstView x_TD, const Batch& batch, DecodingState&) const requires(is_causal) {
    return infer(context, x_TD, batch);
  }
  /// One more row of each sequence. tokens_B is empty or has an id for each row. Throws Error when columns or ids do
  /// not fit.
  Tensor decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B, DecodingState&) const
      requires(is_causal) {
    require_consistent("TokenMoE::decode");
    require_rows("TokenMoE::decode", x_BD, "the gate expects", width());
    require_known(tokens_B, x_BD.rows, "TokenMoE::decode", "there are", "token ids");
    return answer(context, x_BD, {tokens_B, {}});
  }

  /// Learns what a training step observed outside gradients. Once for each micro-batch of a step that was taken.
  /// Throws Error for the stats of a layer with another number of experts.
  void absorb(const Context& context, const Stats& stats) {
    require_consistent("TokenMoE::absorb");
    gating.absorb(context, stats.boundary_1E);
    if constexpr (decltype(gating)::has_biases) gating.absorb_loads(context, stats.wanted());
    if constexpr (LearnsWeight<Bal>) {
      if (stats.rows == 0) return;
      const double choices = static_cast<double>(stats.choices()) / static_cast<double>(stats.rows);
      Backend::for_each_element(
          context, 1, [rule = balance, choices, weight_1 = balance_weight_1.view()] MOE_ON_DEVICE(Index) {
            weight_1(0, 0) = static_cast<Real>(rule.updated_weight(static_cast<double>(weight_1(0, 0)), choices));
          });
    }
  }

  TokenMoE structure() const { return structure_as<Value>(); }
  /// The same tree of other values.
  template <class Other>
  rebind<Other> structure_as() const {
    rebind<Other> tree;
    tree.gating = gating.template structure_as<Other>();
    tree.bank = bank.template structure_as<Other>();
    tree.always_on = detail::structure_as<Other>(always_on);
    tree.balance = balance;
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    decltype(gating)::visit_parameters(visit, prefix, trees.gating...);
    ExpertBank<X>::visit_parameters(visit, prefix, trees.bank...);
    Path::visit_parameters(visit, prefix, trees.always_on...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    decltype(gating)::visit_buffers(visit, prefix, trees.gating...);
    if constexpr (LearnsWeight<Bal>) visit(prefix + "balance_weight", trees.balance_weight_1...);
  }

  // --- calls that are mistakes, each answered with a sentence --------------------------------------------------------

  template <std::same_as<TokenMoE> Same>
  TokenMoE(Same&) {
    detail::explain_copy<Same>();
  }
  template <class Given, class Gradient>
  Tensor backward(const Context&, ConstView, AuxiliaryGradient, Given&&, Gradient&&) const {
    return detail::explain_backward<TokenMoE, Given, Gradient>();
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
  Tensor answer(const Context& context, ConstView x_TD, RowFacts facts) const {
    const Decision<Real, Backend> decision = decide_for_inference(context, x_TD, facts).decision;
    auto grouping = begin_grouping(context, decision);
    begin_phase(context, Phase::experts);
    auto path = always_on.begin(context, x_TD);
    begin_phase(context, Phase::dispatch);
    auto plan = Backend::finish_grouping(context, decision.kept(), std::move(grouping));
    auto y_TD = mix_infer<X>(context, bank.span(), x_TD, std::move(plan), decision.gates_RE.view());
    begin_phase(context, Phase::experts);
    always_on.finish(context, std::move(path), y_TD.view());
    return y_TD;
  }
  /// The heavy half of training after the path's first one.
  template <class Begun>
  std::pair<Tensor, Saved> answer(const Context& context, ConstView x_TD, Routed routed, moe::Plan<Backend> plan,
                                  Begun path) const {
    Saved saved{{}, x_TD, std::move(routed), {}, {}};
    auto [y_TD, mix_saved] =
        mix<X>(context, bank.span(), x_TD, std::move(plan), std::as_const(saved.routed.decision.gates_RE).view());
    saved.mix = std::move(mix_saved);
    begin_phase(context, Phase::experts);
    saved.path = always_on.finish(context, std::move(path), y_TD.view());
    return {std::move(y_TD), std::move(saved)};
  }
  static auto begin_grouping(const Context& context, const Decision<Real, Backend>& decision) {
    begin_phase(context, Phase::dispatch);
    return Backend::begin_grouping(context, decision.kept(), decision.choice.foreseen);
  }
  static View<const Real, Backend> logits(const Decision<Real, Backend>& decision) { return decision.logits_RE.view(); }
};

/// Arguments that fit no constructor still name a layer, so that its first lines say which of them is wrong.
template <class R, class N, class C, class X, class Path = NoAlwaysOn, class Bal = BalanceOverAll>
TokenMoE(R, N, C, X, Path = {}, Bal = {}) -> TokenMoE<R, N, C, typename detail::ExpertIn<X>::Type, Path, Bal>;

}  // namespace moe
