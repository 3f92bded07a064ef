#pragma once

#include <tuple>
#include <utility>

#include "moe/concepts/backend.hpp"
#include "moe/concepts/expert.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/plan.hpp"
#include "moe/ops/dispatch.hpp"

namespace moe {

/// What mix_back needs: the rows each expert read, what it kept, what it answered, and the gates.
template <class X>
struct MixSaved {
  /// The pairs.
  Plan<typename X::Backend> plan;
  /// The gate of each pair.
  Matrix<typename X::Value, typename X::Backend> gates_1N;
  /// The row that each pair reads.
  Matrix<typename X::Value, typename X::Backend> x_ND;
  /// What each pair's expert answered.
  Matrix<typename X::Value, typename X::Backend> y_ND;
  /// What the experts keep.
  typename X::GroupSaved experts;
};

/// The heavy half of every layer: y_t = sum over the pairs (t, e) of gates_te experts[e](x_t); 0 for a row nobody
/// chose. Rows are gathered by expert, each expert runs once over its rows, and each row adds up its answers by
/// ascending expert.
template <Expert X, class B = typename X::Backend, class Real = typename X::Value>
std::pair<Matrix<Real, B>, MixSaved<X>> mix(const typename B::Context& context, ExpertSpan<const X> experts,
                                            View<const Real, B> x_TD, Plan<B> plan, View<const Real, B> gates_TE) {
  MixSaved<X> saved;
  saved.plan = std::move(plan);
  saved.gates_1N = gates_of_pairs<Real, B>(context, gates_TE, saved.plan);
  saved.x_ND = Matrix<Real, B>::uninitialized(context, saved.plan.pairs(), x_TD.cols);
  B::gather_rows(context, x_TD, saved.plan, saved.x_ND.view());
  std::tie(saved.y_ND, saved.experts) =
      X::forward_groups(context, experts, std::as_const(saved.x_ND).view(), saved.plan.offsets);
  auto y_TD = Matrix<Real, B>::uninitialized(context, x_TD.rows, x_TD.cols);
  B::combine_rows(context, saved.y_ND, saved.gates_1N, saved.plan, y_TD.view());
  return {std::move(y_TD), std::move(saved)};
}

/// d_y_TD -> d_x_TD through the experts, and d_gates_TE; adds into the experts' gradients.
template <Expert X, class B = typename X::Backend, class Real = typename X::Value>
std::pair<Matrix<Real, B>, Matrix<Real, B>> mix_back(const typename B::Context& context, ExpertSpan<const X> experts,
                                                     View<const Real, B> d_y_TD, MixSaved<X> saved,
                                                     ExpertSpan<X> gradients) {
  auto d_gates_1N = Matrix<Real, B>::uninitialized(context, 1, saved.plan.pairs());
  auto d_y_ND = Matrix<Real, B>::uninitialized(context, saved.plan.pairs(), d_y_TD.cols);
  B::combine_rows_back(context, d_y_TD, saved.y_ND, saved.gates_1N, saved.plan, d_y_ND.view(), d_gates_1N.view());
  const auto d_x_ND = X::backward_groups(context, experts, std::as_const(d_y_ND).view(), saved.plan.offsets,
                                         std::as_const(saved.x_ND).view(), std::move(saved.experts), gradients);
  auto d_x_TD = Matrix<Real, B>::uninitialized(context, d_y_TD.rows, d_y_TD.cols);
  B::sum_rows(context, d_x_ND, saved.plan, d_x_TD.view());
  return {std::move(d_x_TD),
          gates_of_pairs_back<Real, B>(context, std::as_const(d_gates_1N).view(), d_y_TD.rows, saved.plan)};
}

/// mix without anything kept.
template <Expert X, class B = typename X::Backend, class Real = typename X::Value>
Matrix<Real, B> mix_infer(const typename B::Context& context, ExpertSpan<const X> experts, View<const Real, B> x_TD,
                          const Plan<B>& plan, View<const Real, B> gates_TE) {
  const auto gates_1N = gates_of_pairs<Real, B>(context, gates_TE, plan);
  auto x_ND = Matrix<Real, B>::uninitialized(context, plan.pairs(), x_TD.cols);
  B::gather_rows(context, x_TD, plan, x_ND.view());
  const auto y_ND = X::infer_groups(context, experts, std::as_const(x_ND).view(), plan.offsets);
  auto y_TD = Matrix<Real, B>::uninitialized(context, x_TD.rows, x_TD.cols);
  B::combine_rows(context, y_ND, gates_1N, plan, y_TD.view());
  return y_TD;
}

}  // namespace moe
