#pragma once

#include <array>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/mode.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/require.hpp"
#include "moe/core/settings.hpp"
#include "moe/ops/dispatch.hpp"
#include "moe/ops/linear.hpp"
#include "moe/ops/route.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/normalizer/softmax_over_chosen.hpp"
#include "moe/routing/router/top_k.hpp"
#include "moe/routing/routing_module.hpp"
#include "moe/routing/steps/choose.hpp"
#include "moe/routing/steps/noisy_logits.hpp"
#include "moe/routing/steps/normalize.hpp"
#include "moe/routing/steps/replay.hpp"
#include "moe/routing/steps/report.hpp"
#include "moe/routing/steps/variation_loss.hpp"
#include "moe/routing/steps/z_loss.hpp"

namespace moe {

/// Noisy top-k gating (Shazeer et al. 2017, arXiv 1701.06538): a second matrix learns how much noise helps each expert.
///
///   H_te = (x_t gate^T)_e + eps_te softplus((x_t noise^T)_e)   in training, eps standard normal      eqs. 4, 5
///   k experts of the largest H, or in inference of the largest x gate^T; weights = softmax over these     eq. 3
///   importance = CV(sum_t weight_te)^2     load = CV(sum_t P_te)^2     over experts             eqs. 6, 7, 10, 11
///
/// P_te is the chance that row t chooses expert e if e's noise alone is drawn anew (eqs. 8, 9): it has a gradient where
/// a count has none, by the clean logit, by the noise's deviation and by the threshold, which is another logit. The
/// z-loss is that of the clean logits. Rows are kept as Value; what is learned and computed here in Accum<Value>.
///
/// Weights: gate.weight [E, D], noise.weight [E, D].
template <class Value_, Backend Backend_>
struct NoisyTopK : StatelessRouting<NoisyTopK<Value_, Backend_>, Value_, Backend_> {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using ConstView = View<const Value, Backend>;
  /// What routing is computed and kept in.
  using Real = Accum<Value>;
  /// A matrix of it.
  using RealTensor = Matrix<Real, Backend>;
  template <class Other>
  using rebind = NoisyTopK<Other, Backend>;

  /// Works on recorded choices where the context has them.
  static constexpr bool replays = true;

  /// d(total loss)/d(loss) for each loss that is named here.
  struct LossGradients {
    /// Of the importance loss.
    double importance = 0;
    /// Of the load loss.
    double load = 0;
    /// Of the z-loss.
    double z = 0;

    /// A weight of balance is that of importance and of load, as the paper has it.
    static LossGradients from(AuxiliaryGradient both) { return {both.balance, both.balance, both.z}; }
    /// All of them.
    std::array<double, 3> values() const { return {importance, load, z}; }
  };
  /// What the run observed. load[e]: rows expert e worked on.
  struct Stats {
    /// See importance_loss(), which waits for it.
    DeferredLoss<Real, Backend> importance;
    /// See load_loss(), which waits for it.
    DeferredLoss<Real, Backend> smooth_load;
    /// See z_loss(), which waits for it.
    DeferredLoss<Real, Backend> z;
    /// Rows of each expert.
    std::vector<Index> load;
    /// Rows that were routed.
    Index rows = 0;

    /// CV(sum of weights)^2.
    double importance_loss() const { return importance; }
    /// CV(sum of P)^2.
    double load_loss() const { return smooth_load; }
    /// Their sum.
    double balance_loss() const { return importance_loss() + load_loss(); }
    /// mean (log sum exp x gate^T)^2.
    double z_loss() const { return z; }
  };
  /// What make_stats and backward need of a route.
  struct Saved {
    /// x gate^T.
    RealTensor clean_TE;
    /// x noise^T; empty in inference.
    RealTensor n_TE;
    /// H; empty in inference.
    RealTensor noisy_TE;
    /// Order of choice.
    Choice<Real, Backend> choice;
    /// Softmax over the chosen.
    RealTensor weights_TE;
    /// Names the noise.
    RandomKey key{};
    /// Of the weights' sums.
    VariationLoss<Real, Backend> importance;
    /// Of the smooth loads.
    VariationLoss<Real, Backend> load;
    /// The z-loss.
    DeferredLoss<Real, Backend> z;
  };
  /// A route and what is kept of it.
  using RoutingResult = RoutingResultOf<Saved, Real, Backend>;

  /// Experts that a row meets.
  Index k = 1;
  /// One logit an expert, [E, D], without bias.
  Linear<Real, Backend> gate;
  /// What the deviation of each logit's noise is made of, [E, D], without bias.
  Linear<Real, Backend> noise;

  NoisyTopK() = default;
  /// All weights 0: every row has the same logits, and noise of deviation log 2. Throws Error for a k below 1 or above
  /// the number of experts.
  NoisyTopK(Index k_, Index width_, Index experts_)
      : k(k_),
        gate(decltype(gate)::without_bias(width_, experts_)),
        noise(decltype(noise)::without_bias(width_, experts_)) {
    require_consistent("NoisyTopK");
  }

  Index width() const { return gate.in(); }
  /// How many experts there are to choose from.
  Index experts() const { return gate.out(); }
  /// Throws Error unless both matrices have one shape and k fits it.
  void require_consistent(std::string_view where) const {
    require_choices("NoisyTopK", k, experts());
    require(noise.in() == gate.in() && noise.out() == gate.out(), where, "the noise must have the gate's shape, got ",
            noise.out(), " x ", noise.in(), " for ", gate.out(), " x ", gate.in());
  }
  /// Whether `saved` is of so many rows: it is not once it was consumed.
  bool keeps(const Saved& saved, Index rows) const {
    const auto has_shape = [&](const auto& m_TE) { return m_TE.rows() == rows && m_TE.cols() == experts(); };
    return has_shape(saved.clean_TE) && has_shape(saved.n_TE) && has_shape(saved.noisy_TE) &&
           has_shape(saved.choice.chosen_RE) && has_shape(saved.weights_TE);
  }

  /// x_TD -> who works on each row, and how much each counts. In training the losses are begun too: they are computed
  /// while the loads travel. Throws Error where training has no key to draw the noise from, and for a record of choices
  /// that does not fit.
  template <class Mode>
  RoutingResult route(const Context& context, ConstView x_TD, const Batch& batch) const {
    constexpr bool trains = std::is_same_v<Mode, Training>;
    Saved saved;
    if constexpr (trains) saved.key = RowInfo::of_rows(batch).stream(context.layer, "the noise");
    const PhaseScope scope(context, Phase::router);
    saved.clean_TE = gate.forward_row_by_row(context, x_TD);
    if constexpr (trains) {
      saved.n_TE = noise.forward_row_by_row(context, x_TD);
      saved.noisy_TE =
          noisy_logits<Real, Backend>(context, saved.clean_TE.const_view(), saved.n_TE.const_view(), saved.key);
    }
    const auto logits_TE = (trains ? saved.noisy_TE : saved.clean_TE).const_view();
    saved.choice = choose(context, logits_TE);
    const auto chosen_TE = saved.choice.chosen_RE.const_view();
    saved.weights_TE = normalize<Real, Backend>(context, SoftmaxOverChosen{}, logits_TE, chosen_TE);
    const auto weights_TE = saved.weights_TE.const_view();
    report<Real, Backend>(context, {}, chosen_TE, chosen_TE, weights_TE);
    auto route = begin_route<Real, Backend>(context, chosen_TE, weights_TE, saved.choice.expected);
    if constexpr (trains) begin_losses(context, saved);
    return {std::move(route), std::move(saved)};
  }
  /// The losses and loads of a route; offsets[e+1] - offsets[e]: rows expert e works on.
  Stats make_stats(const Context&, Saved& saved, ListView<Index> offsets) const {
    return {std::move(saved.importance.loss), std::move(saved.load.loss), std::move(saved.z), loads_of(offsets),
            saved.clean_TE.rows()};
  }
  /// d_weights_1N of the part's pairs and d_losses -> through softmax, noise and both matrices, added to d_x_TD; adds
  /// into `gradient`.
  template <class GradientTree>
  void backward(const Context& context, const PlanPart<Backend>& part, View<const Real, Backend> d_weights_1N,
                const LossGradients& d_losses, const Saved& saved, ConstView x_TD, GradientTree& gradient,
                View<Value, Backend> d_x_TD) const {
    const PhaseScope scope(context, Phase::router);
    auto d_weights_TE = gates_of_pairs_backward<Real, Backend>(context, d_weights_1N, x_TD.rows, part);
    const auto clean_TE = saved.clean_TE.view(), n_TE = saved.n_TE.view(), noisy_TE = saved.noisy_TE.view();
    const auto chosen_TE = saved.choice.chosen_RE.view();
    // What was not chosen has no weight that could grow: the softmax's backward passes nothing on to it.
    add_variation_loss_backward<Real, Backend>(context, saved.importance.slopes_1E.view(), d_losses.importance,
                                               d_weights_TE.view());
    auto d_noisy_TE = normalize_backward<Real, Backend>(context, SoftmaxOverChosen{}, noisy_TE, chosen_TE,
                                                        saved.weights_TE.view(), d_weights_TE.const_view());
    auto d_clean_TE = RealTensor::uninitialized(context, x_TD.rows, experts());
    auto d_n_TE = RealTensor::uninitialized(context, x_TD.rows, experts());
    noisy_logits_backward<Real, Backend>(context, clean_TE, n_TE, noisy_TE, chosen_TE, saved.key, d_losses.load,
                                         saved.load.slopes_1E.view(), d_noisy_TE.view(), d_clean_TE.view(),
                                         d_n_TE.view());
    add_z_loss_backward<Real, Backend>(context, clean_TE, d_losses.z, d_clean_TE.view());
    gate.add_backward_row_by_row(context, d_clean_TE.const_view(), x_TD, gradient.gate, d_x_TD);
    noise.add_backward_row_by_row(context, d_n_TE.const_view(), x_TD, gradient.noise, d_x_TD);
  }

  NoisyTopK empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree of other values.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.k = k;
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    Linear<Real, Backend>::visit_parameters(visit, prefix + "gate.", trees.gate...);
    Linear<Real, Backend>::visit_parameters(visit, prefix + "noise.", trees.noise...);
  }

 private:
  /// The k largest, or what the context's record has.
  Choice<Real, Backend> choose(const Context& context, View<const Real, Backend> logits_TE) const {
    if (context.replay == nullptr) return moe::route<Real, Backend>(context, TopK{k}, Unlimited{}, logits_TE, {}, {});
    auto recorded = replay_choice<Real, Backend>(context, {}, logits_TE.rows, experts(), false);
    require(recorded.kept.dropped.empty(), "RoutingReplay", "the record has choices that a capacity dropped in layer ",
            context.layer, ", and NoisyTopK has no capacity");
    return std::move(recorded.choice);
  }
  void begin_losses(const Context& context, Saved& saved) const {
    const auto clean_TE = saved.clean_TE.const_view();
    const auto p_TE = choice_probabilities<Real, Backend>(
        context, clean_TE, saved.n_TE.const_view(), saved.noisy_TE.const_view(), saved.choice.chosen_RE.const_view());
    saved.importance = variation_loss<Real, Backend>(context, saved.weights_TE.const_view());
    saved.load = variation_loss<Real, Backend>(context, p_TE.view());
    saved.z = moe::z_loss<Real, Backend>(context, clean_TE);
  }
};

}  // namespace moe
