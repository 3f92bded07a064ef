#pragma once

#include <algorithm>

#include "moe/core/row.hpp"
#include "moe/core/settings.hpp"

namespace moe {

/// One expert and its logit; expert is -1 where there is none.
template <class Real>
struct Candidate {
  /// Its logit.
  Real logit;
  /// Its index.
  Index expert;
};

/// The better of two candidates: the larger logit, on ties the lower index; NaN never beats a number.
struct BetterCandidate {
  /// The result does not depend on the order of the arguments.
  template <class Real>
  MOE_HOST_DEVICE Candidate<Real> operator()(Candidate<Real> a, Candidate<Real> b) const {
    if (a.expert < 0 || b.expert < 0) return a.expert < 0 ? b : a;
    if (a.logit > b.logit || b.logit > a.logit) return a.logit > b.logit ? a : b;
    const bool a_is_number = a.logit == a.logit, b_is_number = b.logit == b.logit;
    if (a_is_number != b_is_number) return a_is_number ? a : b;
    return a.expert < b.expert ? a : b;
  }
};

/// Gives the best unselected expert choice order `rank`; on ties the lower index wins, and NaN never beats a number.
/// Returns false when every expert is selected. Each thread of the team reads and writes only its own entries of
/// chosen_E: those with e % team.size() == team.rank().
template <class Real, RowTeam Team = TeamOfOne>
MOE_HOST_DEVICE bool choose_best(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E, ChoiceOrder rank,
                                 Team team = {}) {
  Candidate<Real> own{Real(0), -1};
  for (Index e = team.rank(); e < logits_E.size; e += team.size())
    if (chosen_E[e] == 0 &&
        (own.expert < 0 || logits_E[e] > own.logit || (own.logit != own.logit && logits_E[e] == logits_E[e])))
      own = {logits_E[e], e};
  const Index best = team.fold(own, BetterCandidate{}).expert;
  if (best < 0) return false;
  if (best % team.size() == team.rank()) chosen_E[best] = rank;
  return true;
}

/// The k experts with the largest logits (eq. 1's selection); all of them when k exceeds their number.
struct TopK {
  /// Number of experts per row.
  Index k = 2;

  /// logits_E -> chosen_E; on ties the lower index wins.
  template <class Real, RowTeam Team = TeamOfOne>
  MOE_HOST_DEVICE void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E, Team team = {}) const {
    for (Index e = team.rank(); e < chosen_E.size; e += team.size()) chosen_E[e] = 0;
    for (ChoiceOrder rank = 1; rank <= k; ++rank)
      if (!choose_best(logits_E, chosen_E, rank, team)) break;
  }

  /// Throws Error for a k that is below 1 or above the number of experts.
  void require_fits(Index experts) const { require_choices("TopK", k, experts); }
  /// Number of experts that each row selects of `experts`.
  Index choices(Index experts) const { return std::clamp(k, Index{0}, experts); }
};

}  // namespace moe
