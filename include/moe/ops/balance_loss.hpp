#pragma once

#include "moe/concepts/backend.hpp"
#include "moe/concepts/balance.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/ops/late_loss.hpp"

namespace moe {

/// A balance loss and what its backward needs: f_1E, the share of all choices that fell on each counted expert; it is a
/// constant in the backward pass.
template <class Real, class B>
struct BalanceLoss {
  /// L.
  LateLoss<Real, B> loss;
  /// f, 0 for experts that do not count.
  Matrix<Real, B> f_1E;
};

/// p_E = softmax over the counted experts, 0 for the others.
template <class Real, class Bal>
MOE_HOST_DEVICE void counted_softmax(const Bal& balance, Row<const Real> logits_E, Row<Real> p_E) {
  using std::exp;
  Index best = -1;
  for (Index e = 0; e < p_E.size; ++e)
    if (balance.counts(e) && (best < 0 || logits_E[e] > logits_E[best])) best = e;
  Real total = 0;
  for (Index e = 0; e < p_E.size; ++e) {
    p_E[e] = balance.counts(e) ? exp(logits_E[e] - logits_E[best]) : Real(0);
    total += p_E[e];
  }
  if (best < 0) return;
  for (Real& p : p_E) p /= total;
}

/// sum_t p_t for each expert, on its way to the host: what the balance loss needs of the logits, which may be asked for
/// before the choices are known.
template <class Real, Backend B, Balance Bal>
typename B::template Later<Real> sums_of_counted_softmax(const typename B::Context& context, const Bal& balance,
                                                         View<const Real, B> logits_TE) {
  const Index rows = logits_TE.rows, experts = logits_TE.cols;
  auto p = Matrix<Real, B>::uninitialized(context, rows, experts);
  B::for_each(context, rows,
              [=, p_TE = p.view()] MOE_ON_DEVICE(Index t) { counted_softmax(balance, logits_TE.row(t), p_TE.row(t)); });
  auto p_sum_1E = Matrix<Real, B>::zeros(context, 1, experts);
  B::add_column_sums(context, p, p_sum_1E.view());
  return B::download_later(context, std::as_const(p_sum_1E).view());
}

/// L = N sum_i f_i p_i over the N counted experts (eq. 8 without alpha): f_i = choices of i / choices of all counted
/// experts, dropped ones included, p_i = mean over rows of the softmax over the counted experts, whose sums p_sums_1E
/// are. 1 when perfectly uniform, 0 without choices.
template <class Real, Backend B, Balance Bal>
BalanceLoss<Real, B> balance_loss(const typename B::Context& context, const Bal& balance,
                                  typename B::template Later<Real> p_sums_1E, Index rows, ListView<Index> choices_E) {
  const Index experts = choices_E.size;
  typename B::template HostBuffer<Real> f_E(context, experts);
  double choices = 0, counted = 0;
  for (Index e = 0; e < experts; ++e) {
    if (!balance.counts(e)) continue;
    choices += static_cast<double>(choices_E[e]);
    counted += 1;
  }
  const auto share = [&](Index e) {
    return balance.counts(e) && choices > 0 ? static_cast<double>(choices_E[e]) / choices : 0;
  };
  for (Index e = 0; e < experts; ++e) f_E.data()[e] = static_cast<Real>(share(e));
  BalanceLoss<Real, B> result;
  result.f_1E = Matrix<Real, B>::uninitialized(context, 1, experts);
  B::upload(context, f_E.data(), result.f_1E.view());
  if (rows > 0)
    result.loss = LateLoss<Real, B>(context, std::move(p_sums_1E), experts,
                                    [&](Index e) { return counted * share(e) / static_cast<double>(rows); });
  return result;
}
/// The same in one call.
template <class Real, Backend B, Balance Bal>
BalanceLoss<Real, B> balance_loss(const typename B::Context& context, const Bal& balance, View<const Real, B> logits_TE,
                                  ListView<Index> choices_E) {
  return balance_loss<Real, B>(context, balance, sums_of_counted_softmax<Real, B>(context, balance, logits_TE),
                               logits_TE.rows, choices_E);
}

/// d_logits_te += d_loss N / T p_te (f_e - sum_j f_j p_tj); p is computed again.
template <class Real, Backend B, Balance Bal>
void add_balance_loss_back(const typename B::Context& context, const Bal& balance, View<const Real, B> logits_TE,
                           View<const Real, B> f_1E, double d_loss, View<Real, B> d_logits_TE) {
  if (d_loss == 0 || logits_TE.rows == 0) return;
  double counted = 0;
  for (Index e = 0; e < logits_TE.cols; ++e) counted += balance.counts(e) ? 1 : 0;
  const Real scale = static_cast<Real>(d_loss * counted / static_cast<double>(logits_TE.rows));
  auto p = Matrix<Real, B>::uninitialized(context, logits_TE.rows, logits_TE.cols);
  B::for_each(context, logits_TE.rows, [=, p_TE = p.view()] MOE_ON_DEVICE(Index t) {
    const auto p_E = p_TE.row(t);
    counted_softmax(balance, logits_TE.row(t), p_E);
    Real mean = 0;
    for (Index e = 0; e < p_E.size; ++e) mean += f_1E(0, e) * p_E[e];
    for (Index e = 0; e < p_E.size; ++e) d_logits_TE(t, e) += scale * p_E[e] * (f_1E(0, e) - mean);
  });
}

}  // namespace moe
