#pragma once

#include "moe/core/row.hpp"
#include "moe/core/settings.hpp"

namespace moe {

/// ReMoE's regularization (Wang et al. 2024, arXiv 2412.14711): E sum_i f_i p_i with p_i = mean max(z_i, 0) and f_i =
/// choices of i / (k rows), an L1 norm of the gates with more weight on experts of higher load. The loss weight is
/// adapted: each call of update_buffers multiplies it by `pace` if rows selected more than k experts on average, and
/// divides it by `pace` if they selected fewer. For ReluRouter with ReluGates; the trainer's own coefficient is then 1.
struct GateSparsity {
  /// Target for the mean number of experts per row.
  Index k = 1;
  /// The loss weight before the first update.
  double first_weight = 1e-8;
  /// Factor by which one update changes the loss weight.
  double pace = 1.2;
  /// Whether f counts the choices of all ranks. The weight follows each rank's own number of experts per row.
  bool is_global = false;

  /// Throws Error for a k below 1 or above the number of experts, for a weight that is negative or not finite, and for
  /// a pace that is below 1 or not finite.
  void require_fits(Index experts) const {
    require_choices("GateSparsity", k, experts);
    require(is_finite_from(0, first_weight), "GateSparsity", "the weight must be finite and not negative, got ",
            first_weight);
    require(is_finite_from(1, pace), "GateSparsity", "the pace must be finite and at least 1, got ", pace);
  }

  /// Every expert is counted.
  MOE_HOST_DEVICE bool counts(Index /*expert*/) const { return true; }
  /// The denominator of f: k times `rows`.
  double expected_choices(Index rows) const { return static_cast<double>(k) * static_cast<double>(rows); }
  /// The loss weight after an update with a pass in which a row selected `choices` experts on average.
  MOE_HOST_DEVICE double updated_weight(double weight, double choices) const {
    if (choices == static_cast<double>(k)) return weight;
    return choices > static_cast<double>(k) ? weight * pace : weight / pace;
  }
  /// p_i = max(z_i, 0).
  template <class Real>
  MOE_HOST_DEVICE void score(Row<const Real> logits_E, Row<Real> p_E) const {
    for (Index e = 0; e < p_E.size; ++e) p_E[e] = logits_E[e] > 0 ? logits_E[e] : Real(0);
  }
  /// d_logits_i += scale f_i where z_i is above 0.
  template <class Real>
  MOE_HOST_DEVICE void score_backward(Row<const Real> logits_E, Row<const Real>, Row<const Real> f_E, Real scale,
                                      Row<Real> d_logits_E) const {
    for (Index e = 0; e < f_E.size; ++e)
      if (logits_E[e] > 0) d_logits_E[e] += scale * f_E[e];
  }
};

}  // namespace moe
