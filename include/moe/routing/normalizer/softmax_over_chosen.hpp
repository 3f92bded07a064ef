#pragma once

#include <cmath>

#include "moe/core/row.hpp"

namespace moe {

/// g_i = s_i / sum of s over the selected experts (eq. 2), computed as the softmax of their logits: the gates of a row
/// with selected experts sum to 1.
struct SoftmaxOverChosen {
  /// logits_E, chosen_E -> gates_E; all 0 for a row without selected experts.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void normalize(Row<const Real> logits_E, Row<const ChoiceOrder> chosen_E, Row<Real> gates_E,
                                 Team team = {}) const {
    using std::exp;
    Real own_best = below_all<Real>, own_total = 0;
    for (Index e = team.rank(); e < gates_E.size; e += team.size())
      if (chosen_E[e] != 0 && logits_E[e] > own_best) own_best = logits_E[e];
    const Real best = team.fold(own_best, Larger{});
    for (Index e = team.rank(); e < gates_E.size; e += team.size()) {
      gates_E[e] = chosen_E[e] != 0 ? exp(logits_E[e] - best) : Real(0);
      own_total += gates_E[e];
    }
    const Real total = team.sum(own_total);
    if (total == 0) return;
    for (Index e = team.rank(); e < gates_E.size; e += team.size()) gates_E[e] /= total;
  }

  /// dz_i = g_i (dg_i - sum_j g_j dg_j) for selected experts, exactly 0 elsewhere.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void backward(Row<const Real>, Row<const ChoiceOrder>, Row<const Real> gates_E,
                                Row<const Real> d_gates_E, Row<Real> d_logits_E, Team team = {}) const {
    Real own = 0;
    for (Index e = team.rank(); e < gates_E.size; e += team.size()) own += gates_E[e] * d_gates_E[e];
    const Real inner = team.sum(own);
    for (Index e = team.rank(); e < gates_E.size; e += team.size()) d_logits_E[e] = gates_E[e] * (d_gates_E[e] - inner);
  }
};

}  // namespace moe
