#pragma once

#include "moe/core/row_context.hpp"
#include "moe/core/settings.hpp"
#include "moe/core/sigmoid.hpp"
#include "moe/routing/router/expert_groups.hpp"

namespace moe {

/// DeepSeek-V3's router (arXiv 2412.19437, section 2.1.2): the k experts with the largest sigmoid(z_e) + b_e. The
/// biases b are not trained by gradients: in each call of update_buffers every bias moves by `rate` toward an even
/// load, which replaces an auxiliary loss. Gates do not include the biases (SigmoidOverChosen). With groups, only
/// experts of the best groups can be selected; the score of a group is the sum of its two best expert scores. Causal
/// and batch invariant.
struct BiasedTopK {
  static constexpr bool is_batch_invariant = true;

  /// Number of experts per row.
  Index k = 8;
  /// Number of groups of consecutive experts.
  Index groups = 1;
  /// Number of groups that a row may choose from.
  Index kept_groups = 1;
  /// How far one update moves a bias (gamma).
  double rate = 1e-3;

  /// row.buffer_E holds the biases. chosen_E gets choice orders 1 to k; on ties the lower index wins.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E, RowContext<Real> row) const {
    const auto score = [&](Index e) { return sigmoid(logits_E[e]) + row.buffer_E[e]; };
    ExpertGroups{groups, kept_groups}.keep_best(chosen_E, [&](Index begin, Index end) {
      Real first = score(begin), second = 0;
      for (Index e = begin + 1; e < end; ++e) {
        const Real value = score(e);
        if (value > first)
          second = first, first = value;
        else if (e == begin + 1 || value > second)
          second = value;
      }
      return first + second;
    });
    choose_best_undecided(chosen_E, k, score);
  }

  /// A bias after an update with the load of its expert and the mean load of all experts (Gating::update_biases).
  MOE_HOST_DEVICE double updated_bias(double bias, double load, double mean) const {
    return load == mean ? bias : bias + (load < mean ? rate : -rate);
  }
  /// Number of experts that each row selects of `experts`.
  Index choices(Index experts) const { return ExpertGroups{groups, kept_groups}.choices(k, experts); }
  /// Throws Error for groups that do not divide the experts, for a k below 1 or above the number of experts in the kept
  /// groups, and for a rate that is negative or not finite.
  void require_fits(Index experts) const {
    const ExpertGroups in_groups{groups, kept_groups};
    in_groups.require_fits("BiasedTopK", experts);
    require_choices("BiasedTopK", k, in_groups.choices(experts, experts));
    require(is_finite_from(0, rate), "BiasedTopK", "the rate must be finite and not negative, got ", rate);
  }
};

}  // namespace moe
