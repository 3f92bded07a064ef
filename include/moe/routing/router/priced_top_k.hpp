#pragma once

#include <algorithm>

#include "moe/core/settings.hpp"
#include "moe/routing/router/best_scores.hpp"
#include "moe/routing/router/threshold_choice.hpp"

namespace moe {

/// The inference form of routers that balance loads by a price per expert (QuantileChoice, BalancedAssignment): the k
/// experts with the largest logit minus price. Prices are moving averages of the prices found in training, updated like
/// the thresholds of ThresholdChoice; before the first batch all are equal. Causal and batch invariant.
struct PricedTopK {
  static constexpr bool is_batch_invariant = true;

  /// Number of experts per row.
  Index k = 2;
  /// Decay of the moving average: the fraction of a price that one update keeps, in [0, 1].
  double beta = 0.99;

  /// row.buffer_E holds the prices. chosen_E gets choice orders 1 to k; on ties the lower index wins.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E, RowContext<Real> row) const {
    choose_best_scores(chosen_E, k, [&](Index e) { return logits_E[e] - row.buffer_E[e]; });
  }
  /// A price after an update with the price `found` in training.
  template <class Real>
  MOE_HOST_DEVICE Real updated(Real price, Real found) const {
    return ThresholdChoice{beta}.updated(price, found);
  }
  /// Throws Error for a k below 1 or above the number of experts and for a beta outside [0, 1].
  void require_fits(Index experts) const {
    require_choices("PricedTopK", k, experts);
    ThresholdChoice{beta}.require_fits();
  }
  /// Number of experts that each row selects of `experts`.
  Index choices(Index experts) const { return std::clamp(k, Index{0}, experts); }
};

}  // namespace moe
