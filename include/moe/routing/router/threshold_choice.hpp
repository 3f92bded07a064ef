#pragma once

#include "moe/core/row_context.hpp"
#include "moe/core/settings.hpp"

namespace moe {

/// The causal inference form of ExpertChoice: expert e takes a row when its softmax score exceeds e's threshold, a
/// moving average of the boundaries of top-r over the training batches: tau <- beta tau + (1 - beta) boundary; the
/// first batch sets tau to its boundary. Rows do not compete, so decoding one token at a time selects the same experts
/// as a pass over the whole sequence.
struct ThresholdChoice {
  static constexpr bool is_batch_invariant = true;

  /// Decay of the moving average: the fraction of a threshold that one update keeps, in [0, 1].
  double beta = 0.99;

  /// row.buffer_E holds the thresholds. Selected experts get choice orders 1, 2, ... in order of their index.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E, RowContext<Real> row) const {
    using std::exp;
    if (logits_E.size == 0) return;
    const Real best = (max)(logits_E), total = sum_exp(logits_E, best);
    ChoiceOrder chosen = 0;
    for (Index e = 0; e < logits_E.size; ++e)
      chosen_E[e] = exp(logits_E[e] - best) / total > row.buffer_E[e] ? ++chosen : 0;
  }

  /// Throws Error for a beta outside [0, 1].
  void require_fits() const {
    require(beta >= 0 && beta <= 1, "ThresholdChoice", "beta must lie in [0, 1], got ", beta);
  }
  /// A threshold after an update with one more observed boundary.
  template <class Real>
  MOE_HOST_DEVICE Real updated(Real threshold, Real observed) const {
    return static_cast<Real>(beta) * threshold + static_cast<Real>(1 - beta) * observed;
  }
};

}  // namespace moe
