#pragma once

#include "moe/core/row.hpp"

namespace moe {

/// g_i = max(z_i, 0) for selected experts (ReMoE, Wang et al. 2024, arXiv 2412.14711). With ReluRouter the layer is
/// continuous in the logits: an expert's gate is 0 at the logit at which it becomes selected.
struct ReluGates {
  /// logits_E, chosen_E -> gates_E.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void normalize(Row<const Real> logits_E, Row<const ChoiceOrder> chosen_E, Row<Real> gates_E,
                                 Team team = {}) const {
    for (Index e = team.rank(); e < gates_E.size; e += team.size())
      gates_E[e] = chosen_E[e] != 0 && !(logits_E[e] < 0) ? logits_E[e] : Real(0);
  }

  /// dz_i = dg_i for selected experts with a logit above 0, exactly 0 elsewhere.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void backward(Row<const Real>, Row<const ChoiceOrder>, Row<const Real> gates_E,
                                Row<const Real> d_gates_E, Row<Real> d_logits_E, Team team = {}) const {
    for (Index e = team.rank(); e < d_logits_E.size; e += team.size())
      d_logits_E[e] = gates_E[e] != 0 ? d_gates_E[e] : Real(0);
  }
};

}  // namespace moe
