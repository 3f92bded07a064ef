#pragma once

#include <cmath>

#include "moe/core/require.hpp"
#include "moe/core/row.hpp"
#include "moe/core/sigmoid.hpp"

namespace moe {

/// g_i = scale s_i / sum of s over the selected experts, s = sigmoid(z) (DeepSeek-V3, arXiv 2412.19437, eq. 13), or g_i
/// = scale s_i if the gates need not sum to `scale` (BASE layers, Sinkhorn with one expert).
struct SigmoidOverChosen {
  /// Factor of the gates.
  double scale = 1;
  /// Whether the gates of a row are divided by their sum, so that they sum to `scale`.
  bool sums_to_scale = true;

  /// Throws Error for a scale that is not finite and above 0.
  void require_fits() const {
    require(scale > 0 && std::isfinite(scale), "SigmoidOverChosen", "the scale must be finite and above 0, got ",
            scale);
  }

  /// logits_E, chosen_E -> gates_E; all 0 for a row without selected experts.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void normalize(Row<const Real> logits_E, Row<const ChoiceOrder> chosen_E, Row<Real> gates_E,
                                 Team team = {}) const {
    const Real share = static_cast<Real>(scale) / divisor(logits_E, chosen_E, team);
    for (Index e = team.rank(); e < gates_E.size; e += team.size())
      gates_E[e] = chosen_E[e] != 0 ? share * sigmoid(logits_E[e]) : Real(0);
  }

  /// ds_i = scale / sum (dg_i - sum_j g_j dg_j / scale), or scale dg_i; dz_i = ds_i s_i (1 - s_i) for selected experts,
  /// exactly 0 elsewhere.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void backward(Row<const Real> logits_E, Row<const ChoiceOrder> chosen_E, Row<const Real> gates_E,
                                Row<const Real> d_gates_E, Row<Real> d_logits_E, Team team = {}) const {
    const Real factor = static_cast<Real>(scale), share = factor / divisor(logits_E, chosen_E, team);
    Real own = 0;
    for (Index e = team.rank(); e < gates_E.size; e += team.size()) own += gates_E[e] * d_gates_E[e];
    const Real inner = sums_to_scale ? team.sum(own) / factor : Real(0);
    for (Index e = team.rank(); e < gates_E.size; e += team.size()) {
      const Real s = sigmoid(logits_E[e]);
      d_logits_E[e] = chosen_E[e] != 0 ? share * (d_gates_E[e] - inner) * s * (1 - s) : Real(0);
    }
  }

  /// 1 / (1 + exp(-z)).
  template <class Real>
  MOE_HOST_DEVICE static Real sigmoid(Real z) {
    return moe::sigmoid(z);
  }

 private:
  template <class Real, RowTeam Team>
  MOE_HOST_DEVICE Real divisor(Row<const Real> logits_E, Row<const ChoiceOrder> chosen_E, Team team) const {
    if (!sums_to_scale) return 1;
    Real own = 0;
    for (Index e = team.rank(); e < logits_E.size; e += team.size())
      if (chosen_E[e] != 0) own += sigmoid(logits_E[e]);
    // If all scores underflow to 0, the gates are 0, as in the published code.
    return team.sum(own) + static_cast<Real>(1e-20);
  }
};

}  // namespace moe
