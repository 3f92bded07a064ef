#pragma once

#include "moe/core/row.hpp"

namespace moe {

/// Choice order of an expert that is not decided yet.
inline constexpr ChoiceOrder undecided = -1;

/// Writes choice orders 1 to k for the `undecided` experts with the largest score(e), 0 for the other undecided ones;
/// on ties the lower index wins.
template <class Score>
MOE_HOST_DEVICE void choose_best_undecided(Row<ChoiceOrder> chosen_E, Index k, const Score& score) {
  for (ChoiceOrder rank = 1; rank <= k; ++rank) {
    Index best = -1;
    decltype(score(Index{0})) most = 0;
    for (Index e = 0; e < chosen_E.size; ++e) {
      if (chosen_E[e] != undecided) continue;
      const auto value = score(e);
      if (best < 0 || value > most) best = e, most = value;
    }
    if (best < 0) break;
    chosen_E[best] = rank;
  }
  for (ChoiceOrder& rank : chosen_E)
    if (rank == undecided) rank = 0;
}

/// Writes choice orders 1 to k for the experts with the largest score(e), 0 for the others; on ties the lower index
/// wins.
template <class Score>
MOE_HOST_DEVICE void choose_best_scores(Row<ChoiceOrder> chosen_E, Index k, const Score& score) {
  for (ChoiceOrder& rank : chosen_E) rank = undecided;
  choose_best_undecided(chosen_E, k, score);
}

}  // namespace moe
