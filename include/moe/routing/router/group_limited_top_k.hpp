#pragma once

#include "moe/core/row.hpp"
#include "moe/core/settings.hpp"
#include "moe/routing/router/expert_groups.hpp"

namespace moe {

/// DeepSeek-V2's router (device-limited routing, arXiv 2405.04434, section 2.2.2): the k best experts of the
/// `kept_groups` best groups; the score of a group is that of its best expert. Logits are compared, since softmax keeps
/// their order. Causal and batch invariant. Use SoftmaxOverAll for the gates.
struct GroupLimitedTopK {
  /// Number of experts per row.
  Index k = 6;
  /// Number of groups of consecutive experts.
  Index groups = 1;
  /// Number of groups that a row may choose from.
  Index kept_groups = 1;

  /// chosen_E gets choice orders 1 to k; on ties the lower index wins.
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E) const {
    ExpertGroups{groups, kept_groups}.keep_best(chosen_E, [&](Index begin, Index end) {
      return (max)(Row<const Real>{logits_E.data + begin, end - begin});
    });
    choose_best_undecided(chosen_E, k, [&](Index e) { return logits_E[e]; });
  }
  /// Number of experts that each row selects of `experts`.
  Index choices(Index experts) const { return ExpertGroups{groups, kept_groups}.choices(k, experts); }
  /// Throws Error for groups that do not divide the experts, and for a k below 1 or above the number of experts in the
  /// kept groups.
  void require_fits(Index experts) const {
    const ExpertGroups in_groups{groups, kept_groups};
    in_groups.require_fits("GroupLimitedTopK", experts);
    require_choices("GroupLimitedTopK", k, in_groups.choices(experts, experts));
  }
};

}  // namespace moe
