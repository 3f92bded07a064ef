#pragma once

#include <algorithm>

#include "moe/core/matrix.hpp"
#include "moe/core/settings.hpp"
#include "moe/routing/router/top_k.hpp"

namespace moe {

/// Quantile balancing: each row takes the k experts with the largest logit minus price, and prices are such that every
/// expert is taken by about as many rows. In turn each row is asked for the best it does without, alpha_r = the
/// (k+1)-th of z_r - price, and each expert for the price at which its share of rows, rows k / experts, would have it:
/// that quantile of z_e - alpha. The published rule takes one such turn a step, with the prices of the step before;
/// this one starts at 0 in every batch. Rows compete: for training; in inference by the prices it learned:
/// TrainInfer<QuantileChoice, PricedTopK>. Gates know nothing of prices.
struct QuantileChoice {
  /// Loads are even by themselves.
  static constexpr bool ignores_capacity = true;

  /// Experts that a row meets.
  Index k = 2;
  /// Turns; a fixed number, so that no turn waits for the one before to be looked at.
  Index rounds = 4;

  /// logits_RE -> chosen_RE. `take` is not used; boundary_1E gets the prices.
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
  /// Of so many experts each row chooses as many.
  Index choices(Index experts) const { return std::clamp(k, Index{0}, experts); }
};

}  // namespace moe
