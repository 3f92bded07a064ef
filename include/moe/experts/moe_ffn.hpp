#pragma once

#include <tuple>
#include <utility>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/experts/expert.hpp"
#include "moe/ops/dispatch.hpp"

namespace moe {

/// What mix_back needs beside the rows that the layer was given: whom they went to, and what the experts kept. Neither
/// gathered rows nor answers are among it: rows are gathered once more, and gates have their gradients within the
/// experts.
template <class X>
struct MixSaved {
  /// The pairs.
  Plan<typename X::Backend> plan;
  /// The gate of each pair.
  Matrix<Wide<typename X::Value>, typename X::Backend> gates_1N;
  /// What the experts keep.
  typename X::GroupSaved experts;

  /// Whether this is what mix() kept of so many rows and experts, of which `expert` is one: it is not once it was
  /// consumed.
  bool fits(Index rows, Index count, const X& expert) const {
    return plan.experts() == count && plan.pair_begin_1T.cols() == rows + 1 && plan.rows_1N.cols() == plan.pairs() &&
           gates_1N.cols() == plan.pairs() && expert_keeps(expert, experts, plan.pairs());
  }
};

/// The rows that each pair of the plan reads.
template <class Value, Backend B>
Matrix<Value, B> gathered(const typename B::Context& context, View<const Value, B> x_TD, const Plan<B>& plan) {
  auto x_ND = Matrix<Value, B>::uninitialized(context, plan.pairs(), x_TD.cols);
  B::gather_rows(context, x_TD, plan, x_ND.view());
  return x_ND;
}

/// The heavy half of every layer: y_t = sum over the pairs (t, e) of gates_te experts[e](x_t); 0 for a row nobody
/// chose. Rows are gathered by expert, each expert runs once over its rows, and each row adds up its answers by
/// ascending expert. The plan need not be complete.
template <Expert X, class B = typename X::Backend, class Value = typename X::Value>
std::pair<Matrix<Value, B>, MixSaved<X>> mix(const typename B::Context& context, ExpertSpan<const X> experts,
                                             View<const Value, B> x_TD, Plan<B> plan,
                                             View<const Wide<Value>, B> gates_TE) {
  begin_phase(context, Phase::dispatch);
  MixSaved<X> saved;
  saved.plan = std::move(plan);
  saved.gates_1N = gates_of_pairs<Wide<Value>, B>(context, gates_TE, saved.plan);
  const auto x_ND = gathered<Value, B>(context, x_TD, saved.plan);
  begin_phase(context, Phase::experts);
  Matrix<Value, B> y_ND;
  std::tie(y_ND, saved.experts) = X::forward_groups(context, experts, x_ND.view(), saved.plan.groups());
  begin_phase(context, Phase::combine);
  saved.plan.complete();
  auto y_TD = Matrix<Value, B>::uninitialized(context, x_TD.rows, x_TD.cols);
  B::combine_rows(context, y_ND, saved.gates_1N, saved.plan, y_TD.view());
  return {std::move(y_TD), std::move(saved)};
}

/// d_y_TD -> d_x_TD through the experts, and d_gates_TE; adds into the experts' gradients. x_TD is what mix was given.
template <Expert X, class Slopes, class B = typename X::Backend, class Value = typename X::Value>
std::pair<Matrix<Value, B>, Matrix<Wide<Value>, B>> mix_back(const typename B::Context& context,
                                                             ExpertSpan<const X> experts, View<const Value, B> d_y_TD,
                                                             View<const Value, B> x_TD, MixSaved<X> saved,
                                                             ExpertSpan<Slopes> gradients) {
  begin_phase(context, Phase::combine);
  const auto d_y_ND = gathered<Value, B>(context, d_y_TD, saved.plan);
  begin_phase(context, Phase::dispatch);
  const auto x_ND = gathered<Value, B>(context, x_TD, saved.plan);
  begin_phase(context, Phase::experts);
  auto d_gates_1N = Matrix<Wide<Value>, B>::uninitialized(context, 1, saved.plan.pairs());
  const auto d_x_ND =
      X::backward_groups(context, experts, d_y_ND.view(), std::as_const(saved.gates_1N).view(), saved.plan.offsets,
                         x_ND.view(), std::move(saved.experts), d_gates_1N.view(), gradients);
  begin_phase(context, Phase::dispatch);
  auto d_x_TD = Matrix<Value, B>::uninitialized(context, d_y_TD.rows, d_y_TD.cols);
  B::sum_rows(context, d_x_ND, saved.plan, d_x_TD.view());
  return {std::move(d_x_TD),
          gates_of_pairs_back<Wide<Value>, B>(context, std::as_const(d_gates_1N).view(), d_y_TD.rows, saved.plan)};
}

/// mix without anything kept.
template <Expert X, class B = typename X::Backend, class Value = typename X::Value>
Matrix<Value, B> mix_infer(const typename B::Context& context, ExpertSpan<const X> experts, View<const Value, B> x_TD,
                           Plan<B> plan, View<const Wide<Value>, B> gates_TE) {
  begin_phase(context, Phase::dispatch);
  const auto gates_1N = gates_of_pairs<Wide<Value>, B>(context, gates_TE, plan);
  const auto x_ND = gathered<Value, B>(context, x_TD, plan);
  begin_phase(context, Phase::experts);
  const auto y_ND = X::infer_groups(context, experts, x_ND.view(), plan.groups());
  begin_phase(context, Phase::combine);
  auto y_TD = Matrix<Value, B>::uninitialized(context, x_TD.rows, x_TD.cols);
  B::combine_rows(context, y_ND, gates_1N, plan, y_TD.view());
  return y_TD;
}

}  // namespace moe
