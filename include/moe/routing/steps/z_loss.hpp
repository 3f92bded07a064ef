#pragma once

#include <cmath>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"
#include "moe/routing/steps/deferred_loss.hpp"

namespace moe {

/// log sum_e exp(z_e).
template <class Real>
MOE_HOST_DEVICE Real log_sum_exp(Row<const Real> z_E) {
  using std::log;
  const Real best = (max)(z_E);
  return best + log(sum_exp(z_E, best));
}

/// The router z-loss of ST-MoE without its coefficient: mean over rows of (log sum_e exp z_te)^2; 0 without rows.
template <class Real, Backend B>
DeferredLoss<Real, B> z_loss(const typename B::Context& context, View<const Real, B> logits_TE) {
  if (logits_TE.empty()) return {};
  auto squares = Matrix<Real, B>::uninitialized(context, logits_TE.rows, 1);
  B::for_each(context, logits_TE.rows, [=, squares_T1 = squares.view()] MOE_ON_DEVICE(Index t) {
    const Real lse = log_sum_exp(logits_TE.row(t));
    squares_T1(t, 0) = lse * lse;
  });
  auto sum = Matrix<Real, B>::zeros(context, 1, 1);
  B::add_column_sums(context, squares, sum.view());
  return DeferredLoss<Real, B>(context, B::download_async(context, sum.const_view()), 1,
                               [&](Index) { return 1 / static_cast<double>(logits_TE.rows); });
}

/// d_logits_te += d_loss 2/T lse_t softmax(z_t)_e.
template <class Real, Backend B>
void add_z_loss_backward(const typename B::Context& context, View<const Real, B> logits_TE, double d_loss,
                         View<Real, B> d_logits_TE) {
  if (d_loss == 0 || logits_TE.empty()) return;
  const Real scale = static_cast<Real>(2 * d_loss / static_cast<double>(logits_TE.rows));
  B::for_each(context, logits_TE.rows, [=] MOE_ON_DEVICE(Index t) {
    using std::exp;
    const Real lse = log_sum_exp(logits_TE.row(t));
    for (Index e = 0; e < logits_TE.cols; ++e) d_logits_TE(t, e) += scale * lse * exp(logits_TE(t, e) - lse);
  });
}

}  // namespace moe
