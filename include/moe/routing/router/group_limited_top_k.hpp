#pragma once

#include "moe/core/row.hpp"
#include "moe/core/settings.hpp"
#include "moe/routing/router/expert_groups.hpp"

namespace moe {

/// DeepSeek-V2's router (device-limited routing, arXiv 2405.04434, section 2.2.2): the k best experts of the
/// `kept_groups` best groups, a group being as good as its best expert. Softmax keeps the order of logits, so it is
/// logits that are compared. Causal and independent of batch neighbors. Weigh with SoftmaxOverAll.
struct GroupLimitedTopK {
  /// Experts that a row meets.
  Index k = 6;
  /// Groups of consecutive experts.
  Index groups = 1;
  /// How many of them a row may choose from.
  Index kept_groups = 1;

  /// chosen_E gets ranks 1 to k; among equals the lower index wins.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E) const {
    ExpertGroups{groups, kept_groups}.keep_best(chosen_E, [&](Index begin, Index end) {
      return (max)(Row<const Real>{logits_E.data + begin, end - begin});
    });
    choose_best_undecided(chosen_E, k, [&](Index e) { return logits_E[e]; });
  }
  /// Of so many experts each row chooses as many.
  Index choices(Index experts) const { return ExpertGroups{groups, kept_groups}.choices(k, experts); }
  /// Throws Error for groups that do not divide the experts, for a k below 1 or above the experts of the groups that
  /// are kept.
  void require_fits(Index experts) const {
    const ExpertGroups in_groups{groups, kept_groups};
    in_groups.require_fits("GroupLimitedTopK", experts);
    require_choices("GroupLimitedTopK", k, in_groups.choices(experts, experts));
  }
};

}  // namespace moe
