#pragma once

#include "moe/core/row.hpp"

namespace moe {

/// g_i = max(z_i, 0) for chosen experts (ReMoE, Wang et al. 2024, arXiv 2412.14711): with ReluRouter the layer is
/// continuous in the logits, as an expert's gate is 0 where it begins to be chosen.
struct ReluGates {
  /// logits_E, chosen_E -> gates_E.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void normalize(Row<const Real> logits_E, Row<const ChoiceOrder> chosen_E, Row<Real> gates_E,
                                 Team team = {}) const {
    for (Index e = team.rank(); e < gates_E.size; e += team.size())
      gates_E[e] = chosen_E[e] != 0 && !(logits_E[e] < 0) ? logits_E[e] : Real(0);
  }

  /// dz_i = dg_i on the chosen whose logit is above 0, exactly 0 elsewhere.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void backward(Row<const Real>, Row<const ChoiceOrder>, Row<const Real> gates_E,
                                Row<const Real> d_gates_E, Row<Real> d_logits_E, Team team = {}) const {
    for (Index e = team.rank(); e < d_logits_E.size; e += team.size())
      d_logits_E[e] = gates_E[e] != 0 ? d_gates_E[e] : Real(0);
  }
};

}  // namespace moe
