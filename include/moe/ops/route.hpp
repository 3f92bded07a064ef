#pragma once

#include <type_traits>
#include <utility>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/ops/dispatch.hpp"

namespace moe {

/// The interface between routing and experts: which expert processes which row, with which weight. Routing and experts
/// do not depend on each other. For the order of pairs and for offsets that are still unknown, see core/plan.hpp.
template <class Real, class B>
struct Route {
  /// The N pairs (row, expert), sorted by expert.
  Plan<B> plan;
  /// For each pair, the routing weight: the factor of the expert's output.
  Matrix<Real, B> weights_1N;
};

/// A route whose pairs are being counted. Work that is enqueued before arrived() hides the host's wait for their
/// number.
template <class Real, class B>
struct PendingRoute {
  /// Choice order, 0 if an expert is not selected. Its memory, like that of weights_TE, is in the matrices below or is
  /// kept by the caller until arrived().
  View<const ChoiceOrder, B> chosen_TE;
  /// Routing weights; any value where an expert is not selected.
  View<const Real, B> weights_TE;
  /// The grouping that was started.
  typename B::Grouping grouping;
  /// The matrix of chosen_TE if the route owns it, otherwise empty.
  Matrix<ChoiceOrder, B> own_chosen_TE;
  /// The matrix of weights_TE if the route owns it, otherwise empty.
  Matrix<Real, B> own_weights_TE;
};

/// Starts the route of these choices. The caller keeps their memory until arrived().
template <class Real, Backend B>
PendingRoute<Real, B> begin_route(const typename B::Context& context, View<const ChoiceOrder, B> chosen_TE,
                                  View<const Real, B> weights_TE, const ExpectedCounts& expected = {}) {
  const PhaseScope scope(context, Phase::dispatch);
  return {chosen_TE, weights_TE, B::begin_grouping(context, chosen_TE, expected), {}, {}};
}
/// The same for choices that the route owns until arrived().
template <class Real, Backend B>
PendingRoute<Real, B> begin_route(const typename B::Context& context, Matrix<ChoiceOrder, B> chosen_TE,
                                  Matrix<Real, B> weights_TE, const ExpectedCounts& expected = {}) {
  auto route = begin_route<Real, B>(context, chosen_TE.const_view(), weights_TE.const_view(), expected);
  route.own_chosen_TE = std::move(chosen_TE);
  route.own_weights_TE = std::move(weights_TE);
  return route;
}
/// Waits for the number of pairs unless it is known from `expected`, and sorts the pairs by expert.
template <class Real, Backend B>
Route<Real, B> arrived(const typename B::Context& context, PendingRoute<Real, B> pending) {
  const PhaseScope scope(context, Phase::dispatch);
  Route<Real, B> route{B::finish_grouping(context, pending.chosen_TE, std::move(pending.grouping)), {}};
  route.weights_1N = gates_of_pairs<Real, B>(context, pending.weights_TE, route.plan);
  return route;
}
/// Returns a route that is not pending.
template <class Real, Backend B>
Route<Real, B> arrived(const typename B::Context&, Route<Real, B> route) {
  return route;
}

/// The pairs of both plans, with the experts of the second numbered after those of the first. Both have the same rows.
template <Backend B>
Plan<B> concatenated(const typename B::Context& context, Plan<B> first, Plan<B> second) {
  using Indices = Matrix<Index, B>;
  const Index rows = first.pair_begin_1T.cols() - 1, pairs = first.pairs() + second.pairs();
  const Index experts_before = first.experts(), pairs_before = first.pairs();
  Plan<B> both;
  both.offsets.reserve(first.offsets.size() + second.offsets.size());
  both.offsets.assign(first.offsets.begin(), first.offsets.end());
  for (std::size_t e = 1; e < second.offsets.size(); ++e) {
    const Index offset = second.offsets[e];
    both.offsets.push_back(offset == GroupOffsets::unknown ? offset : pairs_before + offset);
  }
  both.counted = std::move(first.counted);
  both.is_complete = first.is_complete;
  both.appended = {std::move(second.counted), experts_before, pairs_before, second.is_complete};
  both.rows_1N = Indices::uninitialized(context, 1, pairs);
  both.experts_1N = Indices::uninitialized(context, 1, pairs);
  both.pair_begin_1T = Indices::uninitialized(context, 1, rows + 1);
  both.pairs_1N = Indices::uninitialized(context, 1, pairs);
  B::for_each_element(
      context, pairs,
      [=, rows_1N = both.rows_1N.data(), experts_1N = both.experts_1N.data(), rows_a = first.rows_1N.const_view().data,
       rows_b = second.rows_1N.const_view().data, experts_a = first.experts_1N.const_view().data,
       experts_b = second.experts_1N.const_view().data] MOE_ON_DEVICE(Index n) {
        const bool is_first = n < pairs_before;
        rows_1N[n] = is_first ? rows_a[n] : rows_b[n - pairs_before];
        experts_1N[n] = is_first ? experts_a[n] : experts_before + experts_b[n - pairs_before];
      });
  B::for_each(
      context, rows + 1,
      [=, begin = both.pair_begin_1T.data(), pairs_1N = both.pairs_1N.data(),
       begin_a = first.pair_begin_1T.const_view().data, begin_b = second.pair_begin_1T.const_view().data,
       pairs_a = first.pairs_1N.const_view().data, pairs_b = second.pairs_1N.const_view().data] MOE_ON_DEVICE(Index t) {
        Index next = begin_a[t] + begin_b[t];
        begin[t] = next;
        if (t == rows) return;
        for (Index i = begin_a[t]; i < begin_a[t + 1]; ++i) pairs_1N[next++] = pairs_a[i];
        for (Index i = begin_b[t]; i < begin_b[t + 1]; ++i) pairs_1N[next++] = pairs_before + pairs_b[i];
      });
  return both;
}

/// For each row, the sum of its pairs' weights: 0 for a row without pairs.
template <class Real, Backend B>
Matrix<Real, B> mass_of_route(const typename B::Context& context, const Route<Real, B>& route) {
  const Index rows = route.plan.pair_begin_1T.cols() - 1;
  auto mass = Matrix<Real, B>::uninitialized(context, 1, rows);
  B::for_each(context, rows,
              [mass_1T = mass.view(), begin = route.plan.pair_begin_1T.data(), pairs = route.plan.pairs_1N.data(),
               weights = route.weights_1N.data()] MOE_ON_DEVICE(Index t) {
                Real sum = 0;
                for (Index i = begin[t]; i < begin[t + 1]; ++i) sum += weights[pairs[i]];
                mass_1T(0, t) = sum;
              });
  return mass;
}

/// d_weight_n += d_mass of pair n's row; an empty d_mass_1T adds nothing.
template <class Real, Backend B>
void add_to_weights_of_rows(const typename B::Context& context, View<const Real, B> d_mass_1T, const PlanPart<B>& part,
                            View<Real, B> d_weights_1N) {
  if (d_mass_1T.empty()) return;
  B::for_each_element(context, part.pairs(), [=, rows_1N = part.rows_1N.data] MOE_ON_DEVICE(Index n) {
    d_weights_1N(0, n) += d_mass_1T(0, rows_1N[n]);
  });
}

/// Both routes' weights, concatenated, each times the scale of its row and route: scale_t0 a_n, scale_t1 b_n.
template <class Real, Backend B>
Matrix<Real, B> fused_weights(const typename B::Context& context, const Route<Real, B>& a, const Route<Real, B>& b,
                              View<const Real, B> scale_T2) {
  const Index pairs_before = a.plan.pairs(), pairs = pairs_before + b.plan.pairs();
  auto weights = Matrix<Real, B>::uninitialized(context, 1, pairs);
  B::for_each_element(context, pairs,
                      [=, weights_1N = weights.data(), a_1N = a.weights_1N.data(), b_1N = b.weights_1N.data(),
                       rows_a = a.plan.rows_1N.data(), rows_b = b.plan.rows_1N.data()] MOE_ON_DEVICE(Index n) {
                        const Index m = n - pairs_before;
                        weights_1N[n] = m < 0 ? a_1N[n] * scale_T2(rows_a[n], 0) : b_1N[m] * scale_T2(rows_b[m], 1);
                      });
  return weights;
}

/// Gradients of both routes' weights and of the two scales of each row.
template <class Real, class B>
struct FusedWeightsGradients {
  /// d_a_n = scale_t0 d_n, d_b_n = scale_t1 d_n.
  Matrix<Real, B> d_a_1N, d_b_1N;
  /// d_scale_t0 = sum of a_n d_n over row t's pairs, d_scale_t1 the same with b.
  Matrix<Real, B> d_scale_T2;
};
/// The backward of fused_weights. `plan` is that of the concatenated route, whose first `pairs_before` pairs are a's.
template <class Real, Backend B>
FusedWeightsGradients<Real, B> fused_weights_backward(const typename B::Context& context,
                                                      View<const Real, B> d_fused_1N, const Plan<B>& plan,
                                                      Index pairs_before, View<const Real, B> a_1N,
                                                      View<const Real, B> b_1N, View<const Real, B> scale_T2) {
  const Index rows = scale_T2.rows;
  FusedWeightsGradients<Real, B> result{Matrix<Real, B>::uninitialized(context, 1, pairs_before),
                                        Matrix<Real, B>::uninitialized(context, 1, plan.pairs() - pairs_before),
                                        Matrix<Real, B>::uninitialized(context, rows, 2)};
  B::for_each(context, rows,
              [=, begin = plan.pair_begin_1T.data(), pairs = plan.pairs_1N.data(), d_a_1N = result.d_a_1N.view(),
               d_b_1N = result.d_b_1N.view(), d_scale_T2 = result.d_scale_T2.view()] MOE_ON_DEVICE(Index t) {
                Real d_a = 0, d_b = 0;
                for (Index i = begin[t]; i < begin[t + 1]; ++i) {
                  const Index n = pairs[i], m = n - pairs_before;
                  const Real d = d_fused_1N(0, n);
                  if (m < 0) {
                    d_a += a_1N(0, n) * d;
                    d_a_1N(0, n) = scale_T2(t, 0) * d;
                  } else {
                    d_b += b_1N(0, m) * d;
                    d_b_1N(0, m) = scale_T2(t, 1) * d;
                  }
                }
                d_scale_T2(t, 0) = d_a;
                d_scale_T2(t, 1) = d_b;
              });
  return result;
}

}  // namespace moe
