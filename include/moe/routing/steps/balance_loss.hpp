#pragma once

#include <utility>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/comm/ranks.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/ops/upload_indices.hpp"
#include "moe/routing/balance/balance.hpp"
#include "moe/routing/steps/deferred_loss.hpp"

namespace moe {

/// What the backward pass of a balance loss needs besides the logits. G: number of sequences if the loss is computed
/// for each sequence, otherwise 1.
template <class Real, class B>
struct BalanceShares {
  /// f: fraction of each counted expert in the choices of a sequence's rows, a constant in the backward pass; 0 for
  /// experts that are not counted.
  Matrix<Real, B> f_GE;
  /// First row of each sequence, then the number of all rows; empty if the loss is computed over all rows together.
  Matrix<Index, B> begin_1G;
  /// Number of sequences with rows.
  Index sequences = 1;
  /// The denominator of p if the loss is computed over all rows together: their number, or with a balance that spans
  /// ranks the mean number of a rank.
  double rows = 0;
};

/// A balance loss and what its backward needs.
template <class Real, class B>
struct BalanceLoss {
  /// The loss, L.
  DeferredLoss<Real, B> loss;
  /// f and the sequences, for the backward pass.
  BalanceShares<Real, B> shares;
};

/// p_E = softmax over the counted experts, 0 for the others. The p of eq. 8 may be read as the full softmax or as the
/// gates. Here it is the full softmax, which includes experts that were not selected, so the loss has a gradient for
/// every counted logit.
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

/// p_E of one row, as the balance defines it.
template <class Real, class Bal>
MOE_HOST_DEVICE void balance_scores(const Bal& balance, Row<const Real> logits_E, Row<Real> p_E) {
  if constexpr (ScoresRows<Bal>)
    balance.score(logits_E, p_E);
  else
    counted_softmax(balance, logits_E, p_E);
}

/// p_te of every row and expert.
template <class Real, Backend B, Balance Bal>
Matrix<Real, B> balance_scores_of_rows(const typename B::Context& context, const Bal& balance,
                                       View<const Real, B> logits_TE) {
  auto p = Matrix<Real, B>::uninitialized(context, logits_TE.rows, logits_TE.cols);
  B::for_each(context, logits_TE.rows,
              [=, p_TE = p.view()] MOE_ON_DEVICE(Index t) { balance_scores(balance, logits_TE.row(t), p_TE.row(t)); });
  return p;
}

/// Number of counted experts.
template <Balance Bal>
double counted_experts(const Bal& balance, Index experts) {
  double counted = 0;
  for (Index e = 0; e < experts; ++e) counted += balance.counts(e) ? 1 : 0;
  return counted;
}

/// Multiplies one value per expert by weight_1, a number on the backend; an empty view stands for 1.
template <class Real, Backend B>
void multiply_by_weight(const typename B::Context& context, View<const Real, B> weight_1, View<Real, B> values_1E) {
  if (weight_1.cols == 0) return;
  B::for_each_element(context, values_1E.cols, [=] MOE_ON_DEVICE(Index e) { values_1E(0, e) *= weight_1(0, 0); });
}

// --- all rows together ----------------------------------------------------------------------------------------------

/// weight sum_t p_t for each expert, as an asynchronous copy to the host: the part of the balance loss that depends on
/// the logits, which can be started before the choices are known. weight_1 is a number on the backend, or empty for 1.
template <class Real, Backend B, Balance Bal>
typename B::template AsyncCopy<Real> sums_of_balance_scores(const typename B::Context& context, const Bal& balance,
                                                            View<const Real, B> logits_TE,
                                                            View<const Real, B> weight_1 = {}) {
  const auto p_TE = balance_scores_of_rows<Real, B>(context, balance, logits_TE);
  auto p_sum_1E = Matrix<Real, B>::zeros(context, 1, logits_TE.cols);
  B::add_column_sums(context, p_TE, p_sum_1E.view());
  multiply_by_weight<Real, B>(context, weight_1, p_sum_1E.view());
  return B::download_async(context, p_sum_1E.const_view());
}

/// What f and p are divided by and made from.
struct BalanceLoads {
  /// Number of rows that selected each expert, dropped ones included: those of this rank, or `sums_E`.
  ListView<Index> choices_E;
  /// Number of their rows.
  Index rows = 0;
  /// Number of ranks that have them.
  int ranks = 1;
  /// The sums over ranks; empty if they are not needed.
  std::vector<Index> sums_E{};
};
/// The loads of this rank, as a view of `choices_E`, or the sums over all ranks if the balance spans them.
template <Balance Bal>
BalanceLoads balance_loads(const auto& context, const Bal& balance, Index rows, ListView<Index> choices_E) {
  BalanceLoads loads{choices_E, rows};
  if (!spans_ranks(balance) || !has_ranks(context)) return loads;
  loads.sums_E.assign(choices_E.begin(), choices_E.end());
  loads.sums_E.push_back(rows);
  loads.sums_E = sum_over_ranks(*context.ranks, {"balance loss", context.layer}, loads.sums_E);
  loads.rows = loads.sums_E.back();
  loads.sums_E.pop_back();
  loads.choices_E = loads.sums_E;
  loads.ranks = context.ranks->size();
  return loads;
}

/// L = n sum_i f_i p_i over the n counted experts (eq. 8 without alpha): f_i = choices of i / choices of all counted
/// experts, dropped ones included, p_i = mean over rows of the balance's p, given as the sums p_sums_1E. With the
/// softmax over the counted experts L is 1 when perfectly uniform; 0 without choices.
///
/// If the balance spans ranks, f is that of all ranks' rows, and p the sum over this rank's rows divided by the mean
/// number of rows of a rank: the mean of L over ranks, and of its gradients, is that of one rank with all rows. All
/// ranks then call it together.
template <class Real, Backend B, Balance Bal>
BalanceLoss<Real, B> balance_loss(const typename B::Context& context, const Bal& balance,
                                  typename B::template AsyncCopy<Real> p_sums_1E, Index rows,
                                  ListView<Index> choices_E) {
  const Index experts = choices_E.size;
  const BalanceLoads loads = balance_loads(context, balance, rows, choices_E);
  typename B::template HostBuffer<Real> f_E(context, experts);
  double choices = 0;
  const double counted = counted_experts(balance, experts);
  const auto choices_of = [&](Index e) { return balance.counts(e) ? static_cast<double>(loads.choices_E[e]) : 0; };
  if constexpr (requires { balance.expected_choices(rows); })
    choices = balance.expected_choices(loads.rows);
  else
    for (Index e = 0; e < experts; ++e) choices += choices_of(e);
  const auto share = [&](Index e) { return choices > 0 ? choices_of(e) / choices : 0; };
  for (Index e = 0; e < experts; ++e) f_E.data()[e] = static_cast<Real>(share(e));
  BalanceLoss<Real, B> result;
  result.shares.rows = static_cast<double>(loads.rows) / loads.ranks;
  result.shares.f_GE = Matrix<Real, B>::uninitialized(context, 1, experts);
  B::upload(context, f_E.data(), result.shares.f_GE.view());
  if (rows > 0)
    result.loss = DeferredLoss<Real, B>(context, std::move(p_sums_1E), experts,
                                        [&](Index e) { return counted * share(e) / result.shares.rows; });
  return result;
}
/// The same in one call.
template <class Real, Backend B, Balance Bal>
BalanceLoss<Real, B> balance_loss(const typename B::Context& context, const Bal& balance, View<const Real, B> logits_TE,
                                  ListView<Index> choices_E) {
  return balance_loss<Real, B>(context, balance, sums_of_balance_scores<Real, B>(context, balance, logits_TE),
                               logits_TE.rows, choices_E);
}

// --- sequence by sequence -------------------------------------------------------------------------------------------

/// The sequence of row t, from the first rows of the sequences.
template <class Begin>
MOE_HOST_DEVICE Index sequence_of(const Begin& begin_1G, Index t) {
  Index low = 0, high = begin_1G.cols - 1;
  while (high - low > 1) {
    const Index middle = (low + high) / 2;
    (begin_1G(0, middle) <= t ? low : high) = middle;
  }
  return low;
}

/// L = mean over sequences of n sum_i f_i p_i, with f and p of the sequence's rows alone (DeepSeek-V3's complementary
/// loss without alpha); sequences without rows are not counted. `offsets` as in Batch; chosen_TE is the choice order
/// before dropping. weight_1 as above.
template <class Real, Backend B, Balance Bal>
BalanceLoss<Real, B> sequence_balance_loss(const typename B::Context& context, const Bal& balance,
                                           View<const Real, B> logits_TE, View<const ChoiceOrder, B> chosen_TE,
                                           ListView<Index> offsets, View<const Real, B> weight_1 = {}) {
  const Index experts = logits_TE.cols, sequences = offsets.size - 1;
  BalanceLoss<Real, B> result;
  result.shares.begin_1G = upload_indices<B>(context, offsets);
  result.shares.sequences = 0;
  for (Index g = 0; g < sequences; ++g) result.shares.sequences += offsets[g + 1] > offsets[g] ? 1 : 0;
  result.shares.f_GE = Matrix<Real, B>::zeros(context, sequences, experts);
  if (result.shares.sequences == 0) return result;

  const auto p = balance_scores_of_rows<Real, B>(context, balance, logits_TE);
  // First the sums of p, then the terms of the loss.
  auto terms = Matrix<Real, B>::zeros(context, sequences, experts);
  const Real scale =
      static_cast<Real>(counted_experts(balance, experts) / static_cast<double>(result.shares.sequences));
  const auto begin_1G = result.shares.begin_1G.const_view();
  B::for_each_cell(context, sequences, experts,
                   [=, f_GE = result.shares.f_GE.view(), terms_GE = terms.view(), p_TE = p.const_view()] MOE_ON_DEVICE(
                       Index g, Index e) {
                     if (!balance.counts(e)) return;
                     for (Index t = begin_1G(0, g); t < begin_1G(0, g + 1); ++t) {
                       f_GE(g, e) += chosen_TE(t, e) != 0 ? Real(1) : Real(0);
                       terms_GE(g, e) += p_TE(t, e);
                     }
                   });
  B::for_each(context, sequences,
              [=, f_GE = result.shares.f_GE.view(), terms_GE = terms.view()] MOE_ON_DEVICE(Index g) {
                const Index rows = begin_1G(0, g + 1) - begin_1G(0, g);
                Real choices = 0;
                for (Index e = 0; e < f_GE.cols; ++e) choices += f_GE(g, e);
                for (Index e = 0; e < f_GE.cols; ++e) {
                  if (choices > 0) f_GE(g, e) /= choices;
                  terms_GE(g, e) *= rows > 0 ? scale * f_GE(g, e) / static_cast<Real>(rows) : Real(0);
                }
              });
  auto sums_1E = Matrix<Real, B>::zeros(context, 1, experts);
  B::add_column_sums(context, terms, sums_1E.view());
  multiply_by_weight<Real, B>(context, weight_1, sums_1E.view());
  result.loss = DeferredLoss<Real, B>(context, B::download_async(context, sums_1E.const_view()), experts,
                                      [](Index) { return 1.0; });
  return result;
}

// --- backward of both -----------------------------------------------------------------------------------------------

/// d_logits_t += weight d_loss n / (G T_g) (dp_t/dlogits_t)^T f_g, where n is the number of counted experts, G the
/// number of sequences with rows and T_g the number of rows of t's sequence g, or `shares.rows`; p is recomputed.
/// weight_1 is a number on the backend, or empty for 1.
template <class Real, Backend B, Balance Bal>
void add_balance_loss_backward(const typename B::Context& context, const Bal& balance, View<const Real, B> logits_TE,
                               const BalanceShares<Real, B>& shares, double d_loss, View<const Real, B> weight_1,
                               View<Real, B> d_logits_TE) {
  if (d_loss == 0 || logits_TE.rows == 0) return;
  const Real unscaled =
      static_cast<Real>(d_loss * counted_experts(balance, logits_TE.cols) / static_cast<double>(shares.sequences));
  auto p = Matrix<Real, B>::uninitialized(context, logits_TE.rows, logits_TE.cols);
  B::for_each(context, logits_TE.rows,
              [=, p_TE = p.view(), f_GE = shares.f_GE.const_view(), begin_1G = shares.begin_1G.const_view(),
               all_rows = static_cast<Real>(shares.rows)] MOE_ON_DEVICE(Index t) {
                const bool together = begin_1G.cols == 0;
                const Index g = together ? 0 : sequence_of(begin_1G, t);
                const Real rows = together ? all_rows : static_cast<Real>(begin_1G(0, g + 1) - begin_1G(0, g));
                const Real weight = weight_1.cols == 0 ? Real(1) : weight_1(0, 0);
                const Real scale = weight * unscaled / rows;
                const Row<const Real> f_E = f_GE.row(g);
                const Row<Real> p_E = p_TE.row(t), d_logits_E = d_logits_TE.row(t);
                balance_scores(balance, logits_TE.row(t), p_E);
                if constexpr (ScoresRows<Bal>) {
                  balance.score_backward(logits_TE.row(t), Row<const Real>(p_E), f_E, scale, d_logits_E);
                } else {
                  Real mean = 0;
                  for (Index e = 0; e < p_E.size; ++e) mean += f_E[e] * p_E[e];
                  for (Index e = 0; e < p_E.size; ++e) d_logits_E[e] += scale * p_E[e] * (f_E[e] - mean);
                }
              });
}

}  // namespace moe
