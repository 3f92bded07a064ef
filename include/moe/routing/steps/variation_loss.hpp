#pragma once

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"
#include "moe/routing/steps/deferred_loss.hpp"

namespace moe {

/// A squared coefficient of variation, and what its backward pass needs.
template <class Real, class B>
struct VariationLoss {
  /// CV^2.
  DeferredLoss<Real, B> loss;
  /// d(CV^2)/d(sum of expert e).
  Matrix<Real, B> slopes_1E;
};

/// CV(s)^2 over experts, s_e = sum_t values_te: the variance of s, divided by E and not by E - 1, over the square of
/// its mean. 0 if all sums are 0, as without rows.
template <class Real, Backend B>
VariationLoss<Real, B> variation_loss(const typename B::Context& context, View<const Real, B> values_TE) {
  const Index experts = values_TE.cols;
  auto sums = Matrix<Real, B>::zeros(context, 1, experts);
  B::add_column_sums(context, values_TE, sums.view());
  VariationLoss<Real, B> result;
  result.slopes_1E = Matrix<Real, B>::zeros(context, 1, experts);
  auto squared = Matrix<Real, B>::zeros(context, 1, 1);
  B::for_each_element(context, 1,
                      [=, sums_1E = sums.const_view(), slopes_1E = result.slopes_1E.view(),
                       squared_1 = squared.view()] MOE_ON_DEVICE(Index) {
                        Real mean = 0, squares = 0;
                        for (Index e = 0; e < experts; ++e) mean += sums_1E(0, e) / static_cast<Real>(experts);
                        if (mean == 0) return;
                        for (Index e = 0; e < experts; ++e) {
                          const Real off = sums_1E(0, e) / mean - 1;
                          squares += off * off / static_cast<Real>(experts);
                        }
                        squared_1(0, 0) = squares;
                        for (Index e = 0; e < experts; ++e)
                          slopes_1E(0, e) =
                              2 / (static_cast<Real>(experts) * mean) * (sums_1E(0, e) / mean - 1 - squares);
                      });
  result.loss =
      DeferredLoss<Real, B>(context, B::download_async(context, squared.const_view()), 1, [](Index) { return 1.0; });
  return result;
}

/// d_values_te += d_loss d(CV^2)/d(s_e), the same for every row.
template <class Real, Backend B>
void add_variation_loss_backward(const typename B::Context& context, View<const Real, B> slopes_1E, double d_loss,
                                 View<Real, B> d_values_TE) {
  if (d_loss == 0) return;
  const Real scale = static_cast<Real>(d_loss);
  B::for_each_cell(context, d_values_TE.rows, d_values_TE.cols,
                   [=] MOE_ON_DEVICE(Index t, Index e) { d_values_TE(t, e) += scale * slopes_1E(0, e); });
}

}  // namespace moe
