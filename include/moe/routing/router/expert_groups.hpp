#pragma once

#include <algorithm>
#include <string_view>

#include "moe/core/require.hpp"
#include "moe/routing/router/best_scores.hpp"

namespace moe {

/// Experts in equal groups, one behind the other, of which a row may choose from the best: experts of one group live on
/// one device, and a row is sent to few.
struct ExpertGroups {
  /// How many there are.
  Index count = 1;
  /// How many of them a row may choose from.
  Index kept = 1;

  /// ChoiceOrder `undecided` for the experts [begin, end) of the groups with the largest worth(begin, end), 0 for all
  /// others; among equals the lower index wins.
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
  /// How many of `experts` a row that wants k gets.
  Index choices(Index k, Index experts) const {
    return std::clamp(k, Index{0}, count > 1 ? std::clamp(kept, Index{0}, count) * (experts / count) : experts);
  }
  /// Throws Error, in `where`'s name, for groups that do not divide the experts.
  void require_fits(std::string_view where, Index experts) const {
    require(count >= 1 && experts % count == 0, where, "groups must divide the experts, got ", count, " and ", experts);
    require(kept >= 1 && kept <= count, where, "kept_groups must lie in [1, ", count, "], got ", kept);
  }
};

}  // namespace moe
