#pragma once

#include "moe/core/row_context.hpp"
#include "moe/core/settings.hpp"

namespace moe {

/// The causal inference form of ExpertChoice: expert e takes a row when its softmax score exceeds e's threshold, which
/// follows the boundary that training's batch top-r drew: tau <- beta tau + (1 - beta) boundary, set outright by the
/// first batch. No row competes with another, so decoding one token at a time chooses as the whole sequence does.
struct ThresholdChoice {
  static constexpr bool is_batch_invariant = true;

  /// Share of a threshold that one update leaves in place, in [0, 1].
  double beta = 0.99;

  /// buffer_E holds the thresholds. Chosen experts get ranks 1, 2, ... in order of their index.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E, RowContext<Real> row) const {
    using std::exp;
    if (logits_E.size == 0) return;
    const Real best = (max)(logits_E), total = sum_exp(logits_E, best);
    ChoiceOrder chosen = 0;
    for (Index e = 0; e < logits_E.size; ++e)
      chosen_E[e] = exp(logits_E[e] - best) / total > row.buffer_E[e] ? ++chosen : 0;
  }

  /// Throws Error for a beta beyond [0, 1].
  void require_fits() const {
    require(beta >= 0 && beta <= 1, "ThresholdChoice", "beta must lie in [0, 1], got ", beta);
  }
  /// A threshold after one more observed boundary.
  template <class Real>
  MOE_HOST_DEVICE Real updated(Real threshold, Real observed) const {
    return static_cast<Real>(beta) * threshold + static_cast<Real>(1 - beta) * observed;
  }
};

}  // namespace moe
