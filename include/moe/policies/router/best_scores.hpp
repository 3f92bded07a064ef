#pragma once

#include "moe/core/row.hpp"

namespace moe {

/// Ranks 1 to k for the experts with the largest score(e), 0 for the others; among equals the lower index wins.
template <class Score>
MOE_HOST_DEVICE void choose_best_scores(Row<Rank> chosen_E, Index k, const Score& score) {
  for (Rank& rank : chosen_E) rank = 0;
  for (Rank rank = 1; rank <= k && rank <= chosen_E.size; ++rank) {
    Index best = -1;
    double most = 0;
    for (Index e = 0; e < chosen_E.size; ++e) {
      if (chosen_E[e] != 0) continue;
      const double value = score(e);
      if (best < 0 || value > most) best = e, most = value;
    }
    chosen_E[best] = rank;
  }
}

}  // namespace moe
