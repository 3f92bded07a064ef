#pragma once

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/plan.hpp"

namespace moe {

/// gates_TE -> gates_1N: the gate of each pair of the plan.
template <class Real, Backend B>
Matrix<Real, B> gates_of_pairs(const typename B::Context& context, View<const Real, B> gates_TE, const Plan<B>& plan) {
  auto gates = Matrix<Real, B>::uninitialized(context, 1, plan.pairs());
  B::for_each_element(
      context, plan.pairs(),
      [=, rows = plan.rows_1N.data(), experts = plan.experts_1N.data(),
       gates_1N = gates.data()] MOE_ON_DEVICE(Index n) { gates_1N[n] = gates_TE(rows[n], experts[n]); });
  return gates;
}

/// d_gates_1N -> d_gates_TE of a part's experts, 0 where row and expert are not a pair.
template <class Real, Backend B>
Matrix<Real, B> gates_of_pairs_backward(const typename B::Context& context, View<const Real, B> d_gates_1N, Index rows,
                                        const PlanPart<B>& part) {
  auto d_gates = Matrix<Real, B>::zeros(context, rows, part.experts);
  B::for_each_element(context, part.pairs(),
                      [=, rows_1N = part.rows_1N.data, experts_1N = part.experts_1N.data, first = part.first_expert,
                       d_gates_TE = d_gates.view()] MOE_ON_DEVICE(Index n) {
                        d_gates_TE(rows_1N[n], experts_1N[n] - first) = d_gates_1N(0, n);
                      });
  return d_gates;
}

/// y_t += y_n for each pair n of row t, by ascending expert: for outputs that have other terms besides the experts'.
template <class Value, Backend B>
void add_pairs(const typename B::Context& context, View<const Value, B> y_ND, const Plan<B>& plan,
               View<Value, B> y_TD) {
  using Team = typename B::Team;
  B::for_each_row(
      context, y_TD.rows,
      [=, begin = plan.pair_begin_1T.data(), pairs = plan.pairs_1N.data()] MOE_ON_DEVICE(Index t, Team team) {
        for (Index i = begin[t]; i < begin[t + 1]; ++i)
          for (Index d = team.rank(); d < y_TD.cols; d += team.size())
            y_TD(t, d) = static_cast<Value>(widened(y_TD(t, d)) + widened(y_ND(pairs[i], d)));
      });
}

}  // namespace moe
