#pragma once

#include "moe/core/row.hpp"

namespace moe {

/// Gives the best not yet chosen expert rank `rank`; among equals the lower index wins, and NaN never beats a number.
/// Returns false when every expert is chosen.
template <class Real>
MOE_HOST_DEVICE bool choose_best(Row<const Real> logits_E, Row<Rank> chosen_E, Rank rank) {
  Index best = -1;
  for (Index e = 0; e < logits_E.size; ++e)
    if (chosen_E[e] == 0 && (best < 0 || logits_E[e] > logits_E[best] || logits_E[best] != logits_E[best])) best = e;
  if (best < 0) return false;
  chosen_E[best] = rank;
  return true;
}

/// The k experts with the largest logits (eq. 1's selection); all of them when k exceeds their number.
struct TopK {
  /// Experts that a row meets.
  Index k = 2;

  /// logits_E -> chosen_E; among equals the lower index wins.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<Rank> chosen_E) const {
    for (Rank& rank : chosen_E) rank = 0;
    for (Rank rank = 1; rank <= k; ++rank)
      if (!choose_best(logits_E, chosen_E, rank)) break;
  }
};

}  // namespace moe
