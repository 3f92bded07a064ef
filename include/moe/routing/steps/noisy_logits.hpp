#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/random.hpp"
#include "moe/core/row.hpp"
#include "moe/core/sigmoid.hpp"

namespace moe {

/// Standard deviation of a logit's noise, from the output n of the noise matrix: softplus(n) = log(1 + exp n), at least
/// 1e-6. Without noise the probability of selection would have no gradient, and n could not be learned.
struct NoiseDeviation {
  /// Lower bound of the deviation; below it the gradient is 0.
  static constexpr double least = 1e-6;

  /// deviation(n).
  template <class Real>
  MOE_HOST_DEVICE static Real of(Real n) {
    const Real deviation = softplus(n);
    return deviation < Real(least) ? Real(least) : deviation;
  }
  /// d(deviation)/dn.
  template <class Real>
  MOE_HOST_DEVICE static Real slope(Real n) {
    return softplus(n) < Real(least) ? Real(0) : sigmoid(n);
  }

 private:
  template <class Real>
  MOE_HOST_DEVICE static Real softplus(Real n) {
    using std::exp;
    using std::log1p;
    return (n > 0 ? n : Real(0)) + log1p(exp(n > 0 ? -n : n));
  }
};

/// Standard normal noise of row t and expert e: for given t and e, a function of the key alone.
template <class Real>
MOE_HOST_DEVICE Real logit_noise(RandomKey key, Index t, Index e, Index experts) {
  return static_cast<Real>(random_normal(key, static_cast<std::uint64_t>(t * experts + e)));
}

/// H = clean + eps deviation(n) (Shazeer et al. 2017, eq. 4).
template <class Real, Backend B>
Matrix<Real, B> noisy_logits(const typename B::Context& context, View<const Real, B> clean_TE, View<const Real, B> n_TE,
                             RandomKey key) {
  auto noisy = Matrix<Real, B>::uninitialized(context, clean_TE.rows, clean_TE.cols);
  B::for_each_cell(context, clean_TE.rows, clean_TE.cols, [=, noisy_TE = noisy.view()] MOE_ON_DEVICE(Index t, Index e) {
    const Real eps = logit_noise<Real>(key, t, e, clean_TE.cols);
    noisy_TE(t, e) = clean_TE(t, e) + eps * NoiseDeviation::of(n_TE(t, e));
  });
  return noisy;
}

/// The threshold that an expert's noisy logit has to exceed for a row to select it, with the noise of the others fixed:
/// kth_excluding of the paper's appendix A.
template <class Real>
struct ChoiceThreshold {
  /// Finds the two experts whose logits are thresholds.
  MOE_HOST_DEVICE ChoiceThreshold(Row<const Real> noisy_E_, Row<const ChoiceOrder> chosen_E_)
      : noisy_E(noisy_E_), chosen_E(chosen_E_) {
    for (Index e = 0; e < noisy_E.size; ++e) {
      Index& expert = chosen_E[e] != 0 ? last_chosen : best_left;
      if (expert < 0 || (chosen_E[e] != 0 ? chosen_E[e] > chosen_E[expert] : noisy_E[e] > noisy_E[expert])) expert = e;
    }
  }
  /// The expert whose logit is e's threshold; -1 if every expert is selected.
  MOE_HOST_DEVICE Index of(Index e) const { return chosen_E[e] != 0 ? best_left : last_chosen; }

  /// Noisy logits, H.
  Row<const Real> noisy_E;
  /// Choice order.
  Row<const ChoiceOrder> chosen_E;
  /// Last selected expert; its logit is the threshold of experts not selected.
  Index last_chosen = -1;
  /// Best expert not selected; its logit is the threshold of selected experts. -1 if every expert is selected.
  Index best_left = -1;
};

/// P_te = Phi((clean_te - threshold) / deviation): the probability that the row selects the expert if its noise is
/// drawn again (appendix A); 1 if every expert is selected.
template <class Real, Backend B>
Matrix<Real, B> choice_probabilities(const typename B::Context& context, View<const Real, B> clean_TE,
                                     View<const Real, B> n_TE, View<const Real, B> noisy_TE,
                                     View<const ChoiceOrder, B> chosen_TE) {
  auto p = Matrix<Real, B>::uninitialized(context, clean_TE.rows, clean_TE.cols);
  B::for_each(context, clean_TE.rows, [=, p_TE = p.view()] MOE_ON_DEVICE(Index t) {
    using std::erfc;
    const ChoiceThreshold<Real> threshold(noisy_TE.row(t), chosen_TE.row(t));
    for (Index e = 0; e < clean_TE.cols; ++e) {
      const Index other = threshold.of(e);
      p_TE(t, e) = 1;
      if (other < 0) continue;
      const Real z = (clean_TE(t, e) - noisy_TE(t, other)) / NoiseDeviation::of(n_TE(t, e));
      p_TE(t, e) = erfc(-z * static_cast<Real>(1 / std::numbers::sqrt2)) / 2;
    }
  });
  return p;
}

/// The backward of noisy_logits and choice_probabilities, where the gradient of P_te is d_load slopes_e for every row
/// t. On entry d_noisy_TE holds the gradient of H through the routing weights; the gradient through the thresholds is
/// added to it. d_clean_TE and d_n_TE are written.
template <class Real, Backend B>
void noisy_logits_backward(const typename B::Context& context, View<const Real, B> clean_TE, View<const Real, B> n_TE,
                           View<const Real, B> noisy_TE, View<const ChoiceOrder, B> chosen_TE, RandomKey key,
                           double d_load, View<const Real, B> slopes_1E, View<Real, B> d_noisy_TE,
                           View<Real, B> d_clean_TE, View<Real, B> d_n_TE) {
  const Real scale = static_cast<Real>(d_load);
  B::for_each(context, clean_TE.rows, [=] MOE_ON_DEVICE(Index t) {
    using std::exp;
    const Index experts = clean_TE.cols;
    const ChoiceThreshold<Real> threshold(noisy_TE.row(t), chosen_TE.row(t));
    // d_n_TE holds the gradient of the deviation until the part through the noise is added.
    for (Index e = 0; e < experts; ++e) {
      d_clean_TE(t, e) = 0;
      d_n_TE(t, e) = 0;
      const Index other = threshold.of(e);
      if (scale == 0 || other < 0) continue;
      const Real deviation = NoiseDeviation::of(n_TE(t, e)), z = (clean_TE(t, e) - noisy_TE(t, other)) / deviation;
      const Real density = exp(-z * z / 2) * static_cast<Real>(std::numbers::inv_sqrtpi / std::numbers::sqrt2);
      const Real d = scale * slopes_1E(0, e) * density / deviation;
      d_clean_TE(t, e) = d;
      d_n_TE(t, e) = -d * z;
      d_noisy_TE(t, other) -= d;
    }
    for (Index e = 0; e < experts; ++e) {
      const Real eps = logit_noise<Real>(key, t, e, experts);
      d_clean_TE(t, e) += d_noisy_TE(t, e);
      d_n_TE(t, e) = (d_n_TE(t, e) + eps * d_noisy_TE(t, e)) * NoiseDeviation::slope(n_TE(t, e));
    }
  });
}

}  // namespace moe
