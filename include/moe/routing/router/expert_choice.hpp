#pragma once

#include "moe/core/matrix.hpp"
#include "moe/core/row_context.hpp"
#include "moe/routing/router/alike_rows.hpp"

namespace moe {

/// Each expert takes the `take` rows that score highest for it, scores being softmax over the experts of a row (eq. 4).
/// Rows compete, so a row's choice depends on the whole batch: for training, or for models that may look ahead. Of rows
/// that are alike an expert takes all or none; it may then take more than `take`, at most take - 1 + their number.
struct ExpertChoice {
  /// Every expert gets `take` rows, neither more nor fewer, where no two rows are known to be alike.
  static constexpr bool fills_experts = true;

  /// logits_RE -> chosen_RE holds 1 for an expert's best row, 2 for its second, ...; ties go to the lower row.
  /// boundary_1E: midway between the take-th and the (take+1)-th score, half the last score when every row is taken,
  /// 1 when none is. Thresholds learn from it (semantics of ThresholdChoice). `rows` says which rows are alike.
  template <class B, class Real>
  void choose(const typename B::Context& context, View<const Real, B> logits_RE, Index take,
              View<ChoiceOrder, B> chosen_RE, View<Real, B> boundary_1E, RowsContext<B> rows = {}) const {
    auto scores_RE = Matrix<Real, B>::uninitialized(context, logits_RE.rows, logits_RE.cols);
    B::for_each_row(context, logits_RE.rows,
                    [logits_RE, scores = scores_RE.view()] MOE_ON_DEVICE(Index r, typename B::Team team) {
                      softmax(logits_RE.row(r), scores.row(r), team);
                    });
    B::top_rows(context, scores_RE.view(), take, chosen_RE, boundary_1E);
    take_alike_rows_together<B, Real>(context, scores_RE.const_view(), rows.alike_1R, chosen_RE, boundary_1E);
  }
};

}  // namespace moe
