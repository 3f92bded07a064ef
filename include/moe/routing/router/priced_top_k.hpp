#pragma once

#include <algorithm>

#include "moe/core/settings.hpp"
#include "moe/routing/router/best_scores.hpp"
#include "moe/routing/router/threshold_choice.hpp"

namespace moe {

/// The inference form of routers that even out loads by a price for each expert (QuantileChoice, BalancedAssignment):
/// the k experts with the largest logit minus price. Prices follow those that training found as the thresholds of
/// ThresholdChoice do; before the first batch all are equal. Causal and independent of batch neighbors.
struct PricedTopK {
  static constexpr bool is_batch_invariant = true;

  /// Experts that a row meets.
  Index k = 2;
  /// Share of a price that one update leaves in place, in [0, 1].
  double beta = 0.99;

  /// buffer_E holds the prices. chosen_E gets ranks 1 to k; among equals the lower index wins.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E, RowContext<Real> row) const {
    choose_best_scores(chosen_E, k, [&](Index e) { return logits_E[e] - row.buffer_E[e]; });
  }
  /// A price after one more that training found.
  template <class Real>
  MOE_HOST_DEVICE Real updated(Real price, Real found) const {
    return ThresholdChoice{beta}.updated(price, found);
  }
  /// Throws Error for a k below 1 or above the number of experts and for a beta beyond [0, 1].
  void require_fits(Index experts) const {
    require_choices("PricedTopK", k, experts);
    ThresholdChoice{beta}.require_fits();
  }
  /// Of so many experts each row chooses as many.
  Index choices(Index experts) const { return std::clamp(k, Index{0}, experts); }
};

}  // namespace moe
