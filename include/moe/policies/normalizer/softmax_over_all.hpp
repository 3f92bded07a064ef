#pragma once

#include "moe/core/row.hpp"

namespace moe {

/// g_i = s_i for chosen experts, s = softmax over all experts (eq. 1 and, for segments, eq. 4).
struct SoftmaxOverAll {
  /// logits_E, chosen_E -> gates_E.
  template <class Real>
  MOE_HOST_DEVICE void normalize(Row<const Real> logits_E, Row<const Rank> chosen_E, Row<Real> gates_E) const {
    softmax(logits_E, gates_E);
    for (Index e = 0; e < gates_E.size; ++e)
      if (chosen_E[e] == 0) gates_E[e] = 0;
  }

  /// ds_i = dg_i on the chosen; dz = s (ds - <s, ds>) over all experts.
  template <class Real>
  MOE_HOST_DEVICE void backward(Row<const Real> logits_E, Row<const Rank> chosen_E, Row<const Real> gates_E,
                                Row<const Real> d_gates_E, Row<Real> d_logits_E) const {
    Real inner = 0;
    for (Index e = 0; e < gates_E.size; ++e) inner += gates_E[e] * d_gates_E[e];
    softmax(logits_E, d_logits_E);
    for (Index e = 0; e < gates_E.size; ++e) d_logits_E[e] *= (chosen_E[e] != 0 ? d_gates_E[e] : Real(0)) - inner;
  }
};

}  // namespace moe
