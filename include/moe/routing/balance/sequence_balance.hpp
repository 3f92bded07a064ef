#pragma once

#include <cmath>

#include "moe/core/row.hpp"
#include "moe/core/sigmoid.hpp"

namespace moe {

/// DeepSeek-V3's complementary loss (arXiv 2412.19437): over all experts, with p_i = sigmoid(z_i) / sum_j sigmoid(z_j),
/// computed for each sequence and averaged over sequences. It prevents an uneven load within single sequences, where
/// biases balance only the batch.
struct SequenceBalance {
  /// The loss is computed for each sequence.
  static constexpr bool by_sequence = true;

  /// Every expert is counted.
  MOE_HOST_DEVICE bool counts(Index /*expert*/) const { return true; }
  /// logits_E -> p_E.
  template <class Real>
  MOE_HOST_DEVICE void score(Row<const Real> logits_E, Row<Real> p_E) const {
    Real total = 0;
    for (Index e = 0; e < p_E.size; ++e) {
      p_E[e] = sigmoid(logits_E[e]);
      total += p_E[e];
    }
    // If every sigmoid underflows to 0, p is uniform.
    for (Real& p : p_E) p = total > 0 ? p / total : 1 / static_cast<Real>(p_E.size);
  }
  /// d_logits_i += scale p_i (1 - sigmoid(z_i)) (f_i - sum_j f_j p_j).
  template <class Real>
  MOE_HOST_DEVICE void score_backward(Row<const Real> logits_E, Row<const Real> p_E, Row<const Real> f_E, Real scale,
                                      Row<Real> d_logits_E) const {
    using std::exp;
    Real mean = 0;
    for (Index e = 0; e < p_E.size; ++e) mean += f_E[e] * p_E[e];
    for (Index e = 0; e < p_E.size; ++e)
      if (!(logits_E[e] > largest_exponent<Real>))
        d_logits_E[e] += scale * p_E[e] * (f_E[e] - mean) / (1 + exp(logits_E[e]));
  }
};

}  // namespace moe
