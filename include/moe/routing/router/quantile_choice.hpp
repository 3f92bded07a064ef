#pragma once

#include <algorithm>

#include "moe/core/matrix.hpp"
#include "moe/core/settings.hpp"
#include "moe/routing/router/top_k.hpp"

namespace moe {

/// Quantile balancing: each row selects the k experts with the largest logit minus price, and the prices are such that
/// every expert is selected by about as many rows. A round computes, for each row, the best value that it does not
/// select, alpha_r = the (k+1)-th largest of z_r - price, and then, for each expert, the price at which its share of
/// rows, rows k / experts, would select it: that quantile of z_e - alpha. The published rule runs one round per step,
/// from the prices of the previous step; this one starts at 0 in every batch. Rows compete: for training; inference
/// uses the learned prices: TrainInfer<QuantileChoice, PricedTopK>. Gates do not include the prices.
struct QuantileChoice {
  /// The prices balance the load, so no capacity is used.
  static constexpr bool ignores_capacity = true;

  /// Number of experts per row.
  Index k = 2;
  /// Number of rounds; fixed, so that the host does not wait for a round to check convergence.
  Index rounds = 4;

  /// logits_RE -> chosen_RE. `take` is unused; boundary_1E gets the prices.
  template <class B, class Real>
  void choose(const typename B::Context& context, View<const Real, B> logits_RE, Index /*take*/,
              View<ChoiceOrder, B> chosen_RE, View<Real, B> boundary_1E) const {
    const Index rows = logits_RE.rows, experts = logits_RE.cols, most = choices(experts);
    auto worth = Matrix<Real, B>::uninitialized(context, rows, experts);
    const auto worth_RE = worth.view();
    B::for_each_element(context, experts, [=] MOE_ON_DEVICE(Index e) { boundary_1E(0, e) = 0; });
    const TopK best{most}, next_best{most + 1};
    for (Index round = 0; round < rounds && rows > 0 && most < experts; ++round) {
      B::for_each(context, rows, [=] MOE_ON_DEVICE(Index r) {
        for (Index e = 0; e < experts; ++e) worth_RE(r, e) = logits_RE(r, e) - boundary_1E(0, e);
        next_best.choose(View<const Real, B>(worth_RE).row(r), chosen_RE.row(r));
        Real without = 0;
        for (Index e = 0; e < experts; ++e)
          if (chosen_RE(r, e) > most) without = worth_RE(r, e);
        for (Index e = 0; e < experts; ++e) worth_RE(r, e) = logits_RE(r, e) - without;
      });
      B::top_rows(context, View<const Real, B>(worth_RE), rows * most / experts, chosen_RE, boundary_1E);
    }
    B::for_each(context, rows, [=] MOE_ON_DEVICE(Index r) {
      for (Index e = 0; e < experts; ++e) worth_RE(r, e) = logits_RE(r, e) - boundary_1E(0, e);
      best.choose(View<const Real, B>(worth_RE).row(r), chosen_RE.row(r));
    });
  }
  /// Throws Error for a k below 1 or above the number of experts and for a negative number of rounds.
  void require_fits(Index experts) const {
    require_choices("QuantileChoice", k, experts);
    require(rounds >= 0, "QuantileChoice", "the number of rounds must not be negative, got ", rounds);
  }
  /// Number of experts that each row selects of `experts`.
  Index choices(Index experts) const { return std::clamp(k, Index{0}, experts); }
};

}  // namespace moe
