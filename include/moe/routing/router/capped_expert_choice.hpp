#pragma once

#include "moe/core/matrix.hpp"
#include "moe/core/row_context.hpp"
#include "moe/core/settings.hpp"
#include "moe/routing/router/alike_rows.hpp"

namespace moe {

/// ExpertChoice in which at most `cap` experts share a row (the paper's released code: 4). Experts choose one after the
/// other, by index, among the rows that fewer than `cap` have taken; an expert may be left with fewer rows than `take`.
struct CappedExpertChoice {
  /// Experts that may share a row.
  Index cap = 4;

  /// Throws Error for a cap below 1.
  void require_fits() const {
    require(cap >= 1, "CappedExpertChoice", "at least 1 expert must be able to take a row, got a cap of ", cap);
  }

  /// As ExpertChoice::choose, rows that are alike included; boundary_1E counts a row that was full as one of score 0.
  template <class B, class Real>
  void choose(const typename B::Context& context, View<const Real, B> logits_RE, Index take,
              View<ChoiceOrder, B> chosen_RE, View<Real, B> boundary_1E, RowsContext<B> known = {}) const {
    const Index rows = logits_RE.rows, experts = logits_RE.cols;
    auto scores = Matrix<Real, B>::uninitialized(context, rows, experts);
    auto takers = Matrix<Index, B>::zeros(context, 1, rows);
    const auto scores_RE = scores.view();
    const auto takers_1R = takers.view();
    const Index most = cap;
    B::for_each_row(context, rows, [=] MOE_ON_DEVICE(Index r, typename B::Team team) {
      softmax(logits_RE.row(r), scores_RE.row(r), team);
    });
    for (Index e = 0; e < experts; ++e) {
      const auto score_R1 = scores_RE.cols_between(e, e + 1);
      const auto chosen_R1 = chosen_RE.cols_between(e, e + 1);
      B::for_each_element(context, rows, [=] MOE_ON_DEVICE(Index r) {
        if (takers_1R(0, r) >= most) score_R1(r, 0) = 0;
      });
      const auto boundary_1 = boundary_1E.cols_between(e, e + 1);
      B::top_rows(context, View<const Real, B>(score_R1), take, chosen_R1, boundary_1);
      take_alike_rows_together<B, Real>(context, score_R1, known.alike_1R, chosen_R1, boundary_1);
      B::for_each_element(context, rows, [=] MOE_ON_DEVICE(Index r) {
        if (chosen_R1(r, 0) == 0) return;
        if (takers_1R(0, r) >= most)
          chosen_R1(r, 0) = 0;
        else
          ++takers_1R(0, r);
      });
    }
  }
};

}  // namespace moe
