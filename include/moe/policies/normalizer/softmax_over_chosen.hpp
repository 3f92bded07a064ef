#pragma once

#include <cmath>

#include "moe/core/row.hpp"

namespace moe {

/// g_i = s_i / sum of s over the chosen experts (eq. 2), computed as the softmax of the chosen logits: the gates of a
/// row that chose anyone sum to 1.
struct SoftmaxOverChosen {
  /// logits_E, chosen_E -> gates_E; all 0 for a row that chose nobody.
  template <class Real>
  MOE_HOST_DEVICE void normalize(Row<const Real> logits_E, Row<const Rank> chosen_E, Row<Real> gates_E) const {
    using std::exp;
    Index best = -1;
    for (Index e = 0; e < gates_E.size; ++e)
      if (chosen_E[e] != 0 && (best < 0 || logits_E[e] > logits_E[best])) best = e;
    Real total = 0;
    for (Index e = 0; e < gates_E.size; ++e) {
      gates_E[e] = chosen_E[e] != 0 ? exp(logits_E[e] - logits_E[best]) : Real(0);
      total += gates_E[e];
    }
    if (best < 0) return;
    for (Real& gate : gates_E) gate /= total;
  }

  /// dz_i = g_i (dg_i - sum_j g_j dg_j) on the chosen, exactly 0 elsewhere.
  template <class Real>
  MOE_HOST_DEVICE void backward(Row<const Real>, Row<const Rank>, Row<const Real> gates_E, Row<const Real> d_gates_E,
                                Row<Real> d_logits_E) const {
    Real inner = 0;
    for (Index e = 0; e < gates_E.size; ++e) inner += gates_E[e] * d_gates_E[e];
    for (Index e = 0; e < gates_E.size; ++e) d_logits_E[e] = gates_E[e] * (d_gates_E[e] - inner);
  }
};

}  // namespace moe
