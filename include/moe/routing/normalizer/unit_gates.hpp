#pragma once

#include "moe/core/row.hpp"

namespace moe {

/// g_i = 1 for selected experts: for routers that are not learned (hash layers, random routing with one expert).
struct UnitGates {
  /// chosen_E -> gates_E.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void normalize(Row<const Real>, Row<const ChoiceOrder> chosen_E, Row<Real> gates_E,
                                 Team team = {}) const {
    for (Index e = team.rank(); e < gates_E.size; e += team.size()) gates_E[e] = chosen_E[e] != 0 ? Real(1) : Real(0);
  }

  /// dz = 0: no gate depends on a logit.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void backward(Row<const Real>, Row<const ChoiceOrder>, Row<const Real>, Row<const Real>,
                                Row<Real> d_logits_E, Team team = {}) const {
    for (Index e = team.rank(); e < d_logits_E.size; e += team.size()) d_logits_E[e] = 0;
  }
};

}  // namespace moe
