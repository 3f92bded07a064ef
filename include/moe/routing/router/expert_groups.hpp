#pragma once

#include <algorithm>
#include <string_view>

#include "moe/core/require.hpp"
#include "moe/routing/router/best_scores.hpp"

namespace moe {

/// Group-limited selection: experts form groups of equal size and consecutive indices, and a row selects from its best
/// groups only. If the experts of a group are on one device, a row is sent to few devices.
struct ExpertGroups {
  /// Number of groups.
  Index count = 1;
  /// Number of groups that a row may choose from.
  Index kept = 1;

  /// Writes `undecided` for the experts [begin, end) of the `kept` groups with the largest worth(begin, end), 0 for all
  /// others; on ties the lower index wins.
  template <class Worth>
  MOE_HOST_DEVICE void keep_best(Row<ChoiceOrder> chosen_E, const Worth& worth) const {
    for (ChoiceOrder& rank : chosen_E) rank = count > 1 ? 0 : undecided;
    if (count <= 1) return;
    const Index size = chosen_E.size / count;
    for (Index n = 0; n < kept; ++n) {
      Index best = -1;
      decltype(worth(Index{0}, Index{0})) most = 0;
      for (Index begin = 0; begin < count * size; begin += size) {
        if (chosen_E[begin] != 0) continue;
        const auto value = worth(begin, begin + size);
        if (best < 0 || value > most) best = begin, most = value;
      }
      if (best < 0) break;
      for (Index e = best; e < best + size; ++e) chosen_E[e] = undecided;
    }
  }
  /// Number of experts that a row selects of `experts`, for a router with this k.
  Index choices(Index k, Index experts) const {
    return std::clamp(k, Index{0}, count > 1 ? std::clamp(kept, Index{0}, count) * (experts / count) : experts);
  }
  /// Throws Error, with `where` as its place, if the groups do not divide the experts or `kept` is outside [1, count].
  void require_fits(std::string_view where, Index experts) const {
    require(count >= 1 && experts % count == 0, where, "groups must divide the experts, got ", count, " and ", experts);
    require(kept >= 1 && kept <= count, where, "kept_groups must lie in [1, ", count, "], got ", kept);
  }
};

}  // namespace moe
