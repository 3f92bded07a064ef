#pragma once

#include "moe/core/matrix.hpp"
#include "moe/core/row_context.hpp"
#include "moe/core/settings.hpp"
#include "moe/routing/router/identical_rows.hpp"

namespace moe {

/// ExpertChoice with at most `cap` experts per row (the paper's released code: 4). Experts choose one after the other,
/// in order of their index, among the rows that fewer than `cap` experts have taken; an expert may get fewer rows than
/// `take`.
struct CappedExpertChoice {
  /// Maximum number of experts per row.
  Index cap = 4;

  /// Throws Error for a cap below 1.
  void require_fits() const {
    require(cap >= 1, "CappedExpertChoice", "the cap must be at least 1 expert per row, got ", cap);
  }

  /// As ExpertChoice::choose, including identical rows; for boundary_1E a row that already has `cap` experts has score
  /// 0.
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
      select_identical_rows_together<B, Real>(context, score_R1, known.identical_1R, chosen_R1, boundary_1);
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
