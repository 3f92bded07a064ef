#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include "moe/core/matrix.hpp"
#include "moe/core/settings.hpp"
#include "moe/routing/router/top_k.hpp"

namespace moe {

/// S-BASE (Clark et al. 2022, arXiv 2202.01169, section 3.2): exp(z) is scaled alternately by row and by column until
/// all row sums, and all column sums, are about equal; then each row selects its k largest entries. Rows compete, so
/// loads become even and a row's selection depends on the whole batch: for training. In inference the k largest logits:
/// TrainInfer<SinkhornChoice, TopK>. Gates are computed from the unscaled logits (SigmoidOverChosen for k = 1,
/// SoftmaxOverAll above).
struct SinkhornChoice {
  /// The scaling balances the load, so no capacity is used.
  static constexpr bool ignores_capacity = true;

  /// Number of experts per row.
  Index k = 1;
  /// Number of scaling rounds; fixed, so that the host does not wait for a round to check convergence.
  Index rounds = 20;

  /// logits_RE -> chosen_RE. `take` is unused; boundary_1E gets 0.
  template <class B, class Real>
  void choose(const typename B::Context& context, View<const Real, B> logits_RE, Index /*take*/,
              View<ChoiceOrder, B> chosen_RE, View<Real, B> boundary_1E) const {
    const Index rows = logits_RE.rows, experts = logits_RE.cols;
    auto weights = Matrix<Real, B>::uninitialized(context, rows, experts);
    auto scaled = Matrix<Real, B>::uninitialized(context, rows, experts);
    auto scale = Matrix<Real, B>::uninitialized(context, 1, experts);
    auto sums = Matrix<Real, B>::uninitialized(context, 1, experts);
    const auto weights_RE = weights.view(), scaled_RE = scaled.view(), scale_1E = scale.view(), sums_1E = sums.view();
    B::for_each_element(context, experts, [=] MOE_ON_DEVICE(Index e) {
      scale_1E(0, e) = 1;
      boundary_1E(0, e) = 0;
    });
    // The scaling cancels any factor of a whole row, so the largest weight of each row is set to 1.
    B::for_each(context, rows, [=] MOE_ON_DEVICE(Index r) {
      using std::exp;
      const Real best = (max)(logits_RE.row(r));
      for (Index e = 0; e < experts; ++e) weights_RE(r, e) = exp(logits_RE(r, e) - best);
    });
    for (Index round = 0; round < rounds && rows > 0; ++round) {
      B::for_each(context, rows, [=] MOE_ON_DEVICE(Index r) {
        Real total = 0;
        for (Index e = 0; e < experts; ++e) total += scaled_RE(r, e) = scale_1E(0, e) * weights_RE(r, e);
        for (Index e = 0; e < experts; ++e) scaled_RE(r, e) /= total * static_cast<Real>(rows);
      });
      B::for_each_element(context, experts, [=] MOE_ON_DEVICE(Index e) { sums_1E(0, e) = 0; });
      B::add_column_sums(context, scaled, sums_1E);
      B::for_each_element(context, experts, [=] MOE_ON_DEVICE(Index e) {
        // An expert whose weights all underflow keeps a finite scale.
        const Real sum = sums_1E(0, e) * static_cast<Real>(experts), least = static_cast<Real>(1e-20);
        scale_1E(0, e) /= sum > least ? sum : least;
      });
      // Only ratios matter; a largest scale of 1 keeps them in range.
      B::for_each_element(context, 1, [=] MOE_ON_DEVICE(Index) {
        const Real largest = (max)(scale_1E.row(0));
        for (Index e = 0; e < experts; ++e) scale_1E(0, e) /= largest;
      });
    }
    const TopK best{k};
    B::for_each(context, rows, [=] MOE_ON_DEVICE(Index r) {
      for (Index e = 0; e < experts; ++e) scaled_RE(r, e) = scale_1E(0, e) * weights_RE(r, e);
      best.choose(View<const Real, B>(scaled_RE).row(r), chosen_RE.row(r));
    });
  }
  /// Throws Error for a k below 1 or above the number of experts and for a negative number of rounds.
  void require_fits(Index experts) const {
    require_choices("SinkhornChoice", k, experts);
    require(rounds >= 0, "SinkhornChoice", "the number of rounds must not be negative, got ", rounds);
  }
  /// Number of experts that each row selects of `experts`.
  Index choices(Index experts) const { return std::clamp(k, Index{0}, experts); }
};

}  // namespace moe
