#pragma once

#include <cmath>

#include "moe/core/require.hpp"
#include "moe/core/row.hpp"

namespace moe {

/// g_i = scale s_i for selected experts, s = softmax over all experts (eq. 1 and, for segments, eq. 4; DeepSeek-V2 has
/// a scale).
struct SoftmaxOverAll {
  /// Factor of the gates.
  double scale = 1;

  /// Throws Error for a scale that is not finite and above 0.
  void require_fits() const {
    require(scale > 0 && std::isfinite(scale), "SoftmaxOverAll", "the scale must be finite and above 0, got ", scale);
  }

  /// logits_E, chosen_E -> gates_E.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void normalize(Row<const Real> logits_E, Row<const ChoiceOrder> chosen_E, Row<Real> gates_E,
                                 Team team = {}) const {
    softmax(logits_E, gates_E, team);
    for (Index e = team.rank(); e < gates_E.size; e += team.size())
      gates_E[e] = chosen_E[e] != 0 ? static_cast<Real>(scale) * gates_E[e] : Real(0);
  }

  /// ds_i = scale dg_i for selected experts, 0 elsewhere; dz = s (ds - <s, ds>) over all experts.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void backward(Row<const Real> logits_E, Row<const ChoiceOrder> chosen_E, Row<const Real> gates_E,
                                Row<const Real> d_gates_E, Row<Real> d_logits_E, Team team = {}) const {
    Real own = 0;
    for (Index e = team.rank(); e < gates_E.size; e += team.size()) own += gates_E[e] * d_gates_E[e];
    const Real inner = team.sum(own);
    softmax(logits_E, d_logits_E, team);
    for (Index e = team.rank(); e < gates_E.size; e += team.size())
      d_logits_E[e] *= (chosen_E[e] != 0 ? static_cast<Real>(scale) * d_gates_E[e] : Real(0)) - inner;
  }
};

}  // namespace moe
