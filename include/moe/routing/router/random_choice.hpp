#pragma once

#include <algorithm>

#include "moe/core/row_context.hpp"
#include "moe/core/settings.hpp"
#include "moe/routing/router/best_scores.hpp"

namespace moe {

/// Selects k experts at random with equal probability, independent of the logits: the baseline for learned routers. The
/// random numbers depend on the batch's random key, on the layer and on the row's position in the call. Causal, but not
/// batch invariant.
struct RandomChoice {
  /// Number of experts per row.
  Index k = 2;

  /// chosen_E gets choice orders 1 to k in the order of the draws.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> /*logits_E*/, Row<ChoiceOrder> chosen_E,
                              RandomRowContext<Real> row) const {
    choose_best_scores(chosen_E, k, [&](Index e) {
      return random_uniform(row.random, static_cast<std::uint64_t>(row.row * chosen_E.size + e));
    });
  }
  /// Throws Error for a k that is below 1 or above the number of experts.
  void require_fits(Index experts) const { require_choices("RandomChoice", k, experts); }
  /// Number of experts that each row selects of `experts`.
  Index choices(Index experts) const { return std::clamp(k, Index{0}, experts); }
};

}  // namespace moe
