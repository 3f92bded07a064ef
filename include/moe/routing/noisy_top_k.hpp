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

/// Noisy top-k gating (Shazeer et al. 2017, arXiv 1701.06538): a second learned matrix sets the noise of each logit.
///
///   H_te = (x_t gate^T)_e + eps_te softplus((x_t noise^T)_e)   in training, eps standard normal      eqs. 4, 5
///   k experts of the largest H, or in inference of the largest x gate^T; weights = softmax over these     eq. 3
///   importance = CV(sum_t weight_te)^2     load = CV(sum_t P_te)^2     over experts             eqs. 6, 7, 10, 11
///
/// P_te is the probability that row t selects expert e if the noise of e alone is drawn again (eqs. 8, 9). Unlike a
/// count it has gradients, with respect to the clean logit, the noise's deviation and the threshold, which is another
/// logit. The z-loss is that of the clean logits. Rows are stored as Value; parameters, and what is computed here, as
/// Accum<Value>.
///
/// Weights: gate.weight [E, D], noise.weight [E, D].
template <class Value_, Backend Backend_>
struct NoisyTopK : StatelessRouting<NoisyTopK<Value_, Backend_>, Value_, Backend_> {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using ConstView = View<const Value, Backend>;
  /// Type that routing is computed and stored in.
  using Real = Accum<Value>;
  /// Matrix with values of type Real.
  using RealTensor = Matrix<Real, Backend>;
  template <class Other>
  using rebind = NoisyTopK<Other, Backend>;

  /// Recorded choices can be replayed.
  static constexpr bool replays = true;

  /// d(total loss)/d(loss) for each auxiliary loss.
  struct LossGradients {
    /// Gradient of the importance loss.
    double importance = 0;
    /// Gradient of the load loss.
    double load = 0;
    /// Gradient of the z-loss.
    double z = 0;

    /// The gradient of the balance loss applies to both the importance and the load loss, as in the paper.
    static LossGradients from(AuxiliaryGradient both) { return {both.balance, both.balance, both.z}; }
    /// All gradients.
    std::array<double, 3> values() const { return {importance, load, z}; }
  };
  /// Statistics of one pass. load[e]: rows that expert e processed.
  struct Stats {
    /// The importance loss, possibly pending; importance_loss() waits for it.
    DeferredLoss<Real, Backend> importance;
    /// The load loss, possibly pending; load_loss() waits for it.
    DeferredLoss<Real, Backend> smooth_load;
    /// The z-loss, possibly pending; z_loss() waits for it.
    DeferredLoss<Real, Backend> z;
    /// Number of rows that each expert processed.
    std::vector<Index> load;
    /// Number of routed rows.
    Index rows = 0;

    /// Importance loss: CV(sum of weights)^2.
    double importance_loss() const { return importance; }
    /// Load loss: CV(sum of P)^2.
    double load_loss() const { return smooth_load; }
    /// Importance loss plus load loss.
    double balance_loss() const { return importance_loss() + load_loss(); }
    /// z-loss: mean (log sum exp x gate^T)^2.
    double z_loss() const { return z; }
  };
  /// What make_stats and backward need of a route.
  struct Saved {
    /// Clean logits, x gate^T.
    RealTensor clean_TE;
    /// n = x noise^T; empty in inference.
    RealTensor n_TE;
    /// Noisy logits, H; empty in inference.
    RealTensor noisy_TE;
    /// Choice order.
    Choice<Real, Backend> choice;
    /// Routing weights: softmax over the selected experts.
    RealTensor weights_TE;
    /// Random key of the noise.
    RandomKey key{};
    /// Importance loss, of the sums of the routing weights.
    VariationLoss<Real, Backend> importance;
    /// Load loss, of the sums of P.
    VariationLoss<Real, Backend> load;
    /// The z-loss.
    DeferredLoss<Real, Backend> z;
  };
  /// A route and what is saved of it.
  using RoutingResult = RoutingResultOf<Saved, Real, Backend>;

  /// Number of experts per row.
  Index k = 1;
  /// Projection to one logit per expert, [E, D], without bias.
  Linear<Real, Backend> gate;
  /// Projection to n, which the deviation of each logit's noise is computed from, [E, D], without bias.
  Linear<Real, Backend> noise;

  NoisyTopK() = default;
  /// All weights start at 0: every row has equal logits, and noise of deviation log 2. Throws Error for a k below 1 or
  /// above the number of experts.
  NoisyTopK(Index k_, Index width_, Index experts_)
      : k(k_),
        gate(decltype(gate)::without_bias(width_, experts_)),
        noise(decltype(noise)::without_bias(width_, experts_)) {
    require_consistent("NoisyTopK");
  }

  Index width() const { return gate.in(); }
  /// Number of experts, E.
  Index experts() const { return gate.out(); }
  /// Throws Error unless both matrices have the same shape and k lies in [1, E].
  void require_consistent(std::string_view where) const {
    require_choices("NoisyTopK", k, experts());
    require(noise.in() == gate.in() && noise.out() == gate.out(), where, "the noise must have the gate's shape, got ",
            noise.out(), " x ", noise.in(), " for ", gate.out(), " x ", gate.in());
  }
  /// Whether `saved` belongs to a pass over `rows` rows; false after it was consumed.
  bool keeps(const Saved& saved, Index rows) const {
    const auto has_shape = [&](const auto& m_TE) { return m_TE.rows() == rows && m_TE.cols() == experts(); };
    return has_shape(saved.clean_TE) && has_shape(saved.n_TE) && has_shape(saved.noisy_TE) &&
           has_shape(saved.choice.chosen_RE) && has_shape(saved.weights_TE);
  }

  /// x_TD -> which experts process each row, and their weights. In training the losses are also enqueued here, so that
  /// they are computed while the loads are copied to the host. Throws Error if training has no random key for the
  /// noise, and for a record that does not fit.
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
    report<Real, Backend>(context, {}, chosen_TE, chosen_TE, weights_TE, logits_TE);
    auto route = begin_route<Real, Backend>(context, chosen_TE, weights_TE, saved.choice.expected);
    if constexpr (trains) begin_losses(context, saved);
    return {std::move(route), std::move(saved)};
  }
  /// The losses and loads of a route; offsets[e+1] - offsets[e]: number of rows of expert e. Moves the losses out of
  /// `saved`: call it once.
  Stats make_stats(const Context&, Saved& saved, ListView<Index> offsets) const {
    return {std::move(saved.importance.loss), std::move(saved.load.loss), std::move(saved.z), loads_of(offsets),
            saved.clean_TE.rows()};
  }
  /// Backward of d_weights_1N of the part's pairs and of d_losses through softmax, noise and both matrices: adds to
  /// d_x_TD and to `gradient`.
  template <class GradientTree>
  void backward(const Context& context, const PlanPart<Backend>& part, View<const Real, Backend> d_weights_1N,
                const LossGradients& d_losses, const Saved& saved, ConstView x_TD, GradientTree& gradient,
                View<Value, Backend> d_x_TD) const {
    const PhaseScope scope(context, Phase::router);
    auto d_weights_TE = gates_of_pairs_backward<Real, Backend>(context, d_weights_1N, x_TD.rows, part);
    const auto clean_TE = saved.clean_TE.view(), n_TE = saved.n_TE.view(), noisy_TE = saved.noisy_TE.view();
    const auto chosen_TE = saved.choice.chosen_RE.view();
    // This also adds to experts that were not selected; the backward of the softmax ignores their gradients.
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
  /// An empty parameter tree with values of type Other.
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
  /// The k experts with the largest logits, or the recorded choices if the context has them.
  Choice<Real, Backend> choose(const Context& context, View<const Real, Backend> logits_TE) const {
    if (context.replay == nullptr) return moe::route<Real, Backend>(context, TopK{k}, Unlimited{}, logits_TE, {}, {});
    auto recorded = replay_choice<Real, Backend>(context, {}, logits_TE.rows, experts(), false);
    require(recorded.kept.dropped.empty(), "RoutingReplay", "the record has dropped pairs in layer ", context.layer,
            ", and NoisyTopK has no capacity");
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
