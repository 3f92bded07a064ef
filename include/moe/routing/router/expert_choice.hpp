#pragma once

#include "moe/core/matrix.hpp"
#include "moe/core/row_context.hpp"
#include "moe/routing/router/identical_rows.hpp"

namespace moe {

/// Each expert takes the `take` rows with the highest scores for it; scores are the softmax over the experts of a row
/// (eq. 4). Rows compete, so a row's selection depends on the whole batch: for training, or for models that may look
/// ahead. Of identical rows an expert takes all or none; it may then take more than `take`, at most take - 1 + their
/// number.
struct ExpertChoice {
  /// Every expert gets exactly `take` rows unless some rows are marked as identical.
  static constexpr bool fills_experts = true;

  /// logits_RE -> chosen_RE holds 1 for an expert's best row, 2 for its second, ...; on ties the lower row wins.
  /// boundary_1E: the midpoint of the take-th and the (take+1)-th score, half the last score when every row is taken, 1
  /// when none is. ThresholdChoice updates its thresholds from it. `rows` marks the identical rows.
  template <class B, class Real>
  void choose(const typename B::Context& context, View<const Real, B> logits_RE, Index take,
              View<ChoiceOrder, B> chosen_RE, View<Real, B> boundary_1E, RowsContext<B> rows = {}) const {
    auto scores_RE = Matrix<Real, B>::uninitialized(context, logits_RE.rows, logits_RE.cols);
    B::for_each_row(context, logits_RE.rows,
                    [logits_RE, scores = scores_RE.view()] MOE_ON_DEVICE(Index r, typename B::Team team) {
                      softmax(logits_RE.row(r), scores.row(r), team);
                    });
    B::top_rows(context, scores_RE.view(), take, chosen_RE, boundary_1E);
    select_identical_rows_together<B, Real>(context, scores_RE.const_view(), rows.identical_1R, chosen_RE, boundary_1E);
  }
};

}  // namespace moe
