#pragma once

#include <limits>

#include "moe/core/row.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace detail {

struct Smaller {
  template <class Number>
  MOE_HOST_DEVICE Number operator()(Number a, Number b) const {
    return b < a ? b : a;
  }
};

}  // namespace detail

/// Identical rows have the same scores, so a selection among them would depend on their position. An expert that
/// selected one of them therefore takes all: in chosen_RE each gets the lowest choice order among them, and if some
/// were left out, boundary_1E moves below their score, so that thresholds accept them as well. scores_RE are the scores
/// that rows were selected by, none of them below 0; identical_1R as in RowsContext.
template <class B, class Real>
void select_identical_rows_together(const typename B::Context& context, View<const Real, B> scores_RE,
                                    View<const Index, B> identical_1R, View<ChoiceOrder, B> chosen_RE,
                                    View<Real, B> boundary_1E) {
  if (identical_1R.empty()) return;
  // Device code may use the constant, but may not call the function that returns it.
  constexpr ChoiceOrder none = (std::numeric_limits<ChoiceOrder>::max)();
  B::for_each_row(context, scores_RE.cols, [=] MOE_ON_DEVICE(Index e, typename B::Team team) {
    ChoiceOrder own_first = none;
    Index own_left = 0, own_row = scores_RE.rows;
    for (Index r = team.rank(); r < scores_RE.rows; r += team.size()) {
      if (identical_1R(0, r) == 0) continue;
      const ChoiceOrder rank = chosen_RE(r, e);
      if (rank == 0) ++own_left;
      if (rank != 0 && rank < own_first) own_first = rank;
      if (own_row == scores_RE.rows) own_row = r;
    }
    const ChoiceOrder first = team.fold(own_first, detail::Smaller{});
    const Index left = team.sum(own_left), row = team.fold(own_row, detail::Smaller{});
    if (first == none) return;
    Real own_next = 0;
    for (Index r = team.rank(); r < scores_RE.rows; r += team.size()) {
      if (identical_1R(0, r) != 0) chosen_RE(r, e) = first;
      if (chosen_RE(r, e) == 0 && scores_RE(r, e) > own_next) own_next = scores_RE(r, e);
    }
    if (left == 0) return;
    const Real next = team.fold(own_next, Larger{});
    if (team.rank() == 0) boundary_1E(0, e) = (scores_RE(row, e) + next) / 2;
  });
}

}  // namespace moe
