#pragma once

#include "moe/core/settings.hpp"
#include "moe/routing/router/top_k.hpp"

namespace moe {

/// Expert `shared` always, and the k - 1 best of the other experts (the set A of eq. 2). k includes the shared expert.
/// With shared = no_expert it is TopK.
struct SharedTopK {
  /// Value of `shared` for no shared expert.
  static constexpr Index no_expert = -1;

  /// Number of experts per row, including the shared one.
  Index k = 2;
  /// Index of the shared expert, which every row selects with choice order 1.
  Index shared = 0;

  /// logits_E -> chosen_E.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E, Team team = {}) const {
    for (Index e = team.rank(); e < chosen_E.size; e += team.size()) chosen_E[e] = e == shared ? 1 : 0;
    for (ChoiceOrder rank = shared != no_expert ? 2 : 1; rank <= k; ++rank)
      if (!choose_best(logits_E, chosen_E, rank, team)) break;
  }

  /// Throws Error for a k below 1 or above the number of experts and for a shared expert that does not exist.
  void require_fits(Index experts) const {
    require_choices("SharedTopK", k, experts);
    require(shared == no_expert || (shared >= 0 && shared < experts), "SharedTopK",
            "the shared expert's index must lie in [0, ", experts, "), got ", shared);
  }
  /// Number of experts that each row selects of `experts`.
  Index choices(Index experts) const { return std::clamp(k, Index{shared != no_expert ? 1 : 0}, experts); }
  /// The expert that every row selects, or no_expert.
  Index chosen_by_all() const { return shared; }
};

}  // namespace moe
