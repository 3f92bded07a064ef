#pragma once

#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "moe/backend/contract/backend.hpp"
#include "moe/comm/exchange.hpp"
#include "moe/comm/ranks.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/require.hpp"
#include "moe/experts/expert.hpp"
#include "moe/ops/route.hpp"

namespace moe {

/// The rows of all ranks for the experts that are here.
template <class X>
struct SpreadRows {
  /// Sends rows to their experts and back.
  Exchange<typename X::Backend> exchange;
  /// Input rows of the experts that are here, x_MD.
  Matrix<typename X::Value, typename X::Backend> x_MD;
};

/// Tensors that moe_ffn_backward needs besides the layer's input rows: the route and the experts' saved tensors.
/// Gathered rows and expert outputs are not saved: backward gathers the rows again, and the experts compute the
/// gradients of the routing weights.
template <class X>
struct MoeFfnSaved {
  /// The pairs (row, expert) and the routing weight of each.
  Route<Accum<typename X::Value>, typename X::Backend> route;
  /// Saved by the experts' forward_groups.
  typename X::GroupSaved experts;
  /// The rows that were processed here; only if an expert lives on another rank.
  std::optional<SpreadRows<X>> spread{};

  /// Whether this comes from moe_ffn() over `rows` rows and these experts, and has not been consumed.
  bool fits(Index rows, ExpertSpan<const X> of) const {
    const auto& plan = route.plan;
    return plan.experts() == static_cast<Index>(of.size()) && plan.pair_begin_1T.cols() == rows + 1 &&
           plan.rows_1N.cols() == plan.pairs() && route.weights_1N.cols() == plan.pairs() &&
           spread.has_value() == of.is_spread() &&
           expert_keeps(of.any_here(), experts, spread ? spread->exchange.rows() : plan.pairs());
  }
};

/// The input row of each pair of the plan, x_ND.
template <class Value, Backend B>
Matrix<Value, B> gathered(const typename B::Context& context, View<const Value, B> x_TD, const Plan<B>& plan) {
  auto x_ND = Matrix<Value, B>::uninitialized(context, plan.pairs(), x_TD.cols);
  B::gather_rows(context, x_TD, plan, x_ND.view());
  return x_ND;
}

/// gathered() in the dispatch phase: the experts' input rows, x_ND.
template <class Value, Backend B>
Matrix<Value, B> dispatched(const typename B::Context& context, View<const Value, B> x_TD, const Plan<B>& plan) {
  const PhaseScope scope(context, Phase::dispatch);
  return gathered<Value, B>(context, x_TD, plan);
}
/// y_t = the sum of the expert outputs of row t's pairs, each times its routing weight.
template <class Value, Backend B>
Matrix<Value, B> combined(const typename B::Context& context, View<const Value, B> y_ND,
                          const Route<Accum<Value>, B>& route, Index rows) {
  const PhaseScope scope(context, Phase::combine);
  auto y_TD = Matrix<Value, B>::uninitialized(context, rows, y_ND.cols);
  B::combine_rows(context, y_ND, route.weights_1N, route.plan, y_TD.view());
  return y_TD;
}

/// Sends the experts' input rows to the ranks of their experts.
template <class X, class B = typename X::Backend, class Value = typename X::Value>
SpreadRows<X> spread_rows(const typename B::Context& context, std::string_view site, ExpertSpan<const X> experts,
                          View<const Value, B> x_ND, Plan<B>& plan) {
  require_ranks(site, context, experts.place().rank, experts.place().ranks);
  const PhaseScope scope(context, Phase::dispatch);
  plan.complete();
  Exchange<B> exchange(context, {site, context.layer}, plan.offsets,
                       [&](std::size_t expert) { return experts.owner(expert); });
  auto x_MD = exchange.template out<Value>(context, x_ND);
  return {std::move(exchange), std::move(x_MD)};
}

/// Dispatch, experts and combine, as used by every layer: y_t = sum over the pairs (t, e) of weight_te experts[e](x_t);
/// 0 for a row without pairs. Rows are gathered by expert, each expert runs once over its rows, and each row sums its
/// outputs in ascending order of experts. The per-expert counts may still be pending on the device: the experts start
/// with the groups whose counts are known, and moe_ffn waits for the rest at the latest before combine. Rows of experts
/// that live on other ranks travel there and back, and an expert that is here reads the rows of all ranks; the counts
/// are then waited for before the experts.
template <Expert X, class B = typename X::Backend, class Value = typename X::Value>
std::pair<Matrix<Value, B>, MoeFfnSaved<X>> moe_ffn(const typename B::Context& context, ExpertSpan<const X> experts,
                                                    View<const Value, B> x_TD, Route<Accum<Value>, B> route) {
  MoeFfnSaved<X> saved{std::move(route), {}};
  const auto x_ND = dispatched<Value, B>(context, x_TD, saved.route.plan);
  Matrix<Value, B> y_ND;
  const auto run = [&](View<const Value, B> rows, const GroupOffsets& offsets) {
    return in_phase(context, Phase::experts, [&] { return X::forward_groups(context, experts, rows, offsets); });
  };
  if (experts.is_spread()) {
    saved.spread.emplace(spread_rows<X>(context, "forward", experts, x_ND.const_view(), saved.route.plan));
    Matrix<Value, B> y_MD;
    std::tie(y_MD, saved.experts) = run(saved.spread->x_MD.const_view(), saved.spread->exchange.offsets());
    y_ND = in_phase(context, Phase::combine,
                    [&] { return saved.spread->exchange.template back<Value>(context, y_MD.const_view()); });
  } else {
    std::tie(y_ND, saved.experts) = run(x_ND.const_view(), saved.route.plan.groups());
    saved.route.plan.complete();
  }
  auto y_TD = combined<Value, B>(context, y_ND.view(), saved.route, x_TD.rows);
  return {std::move(y_TD), std::move(saved)};
}

/// Gradients of moe_ffn's inputs.
template <class X>
struct MoeFfnGradients {
  /// Gradient of x through the experts.
  Matrix<typename X::Value, typename X::Backend> d_x_TD;
  /// Gradient of the pairs' routing weights.
  Matrix<Accum<typename X::Value>, typename X::Backend> d_weights_1N;
};

/// d_y_TD -> d_x_TD through the experts, and d_weights_1N; adds into the experts' gradients. x_TD is moe_ffn's input.
template <Expert X, class GradientTree, class B = typename X::Backend, class Value = typename X::Value>
MoeFfnGradients<X> moe_ffn_backward(const typename B::Context& context, ExpertSpan<const X> experts,
                                    View<const Value, B> d_y_TD, View<const Value, B> x_TD,
                                    const Route<Accum<Value>, B>& route, typename X::GroupSaved experts_saved,
                                    ExpertSpan<GradientTree> gradients, const SpreadRows<X>* spread = nullptr) {
  using Real = Accum<Value>;
  const auto d_y_ND =
      in_phase(context, Phase::combine, [&] { return gathered<Value, B>(context, d_y_TD, route.plan); });
  Matrix<Real, B> d_weights_1N;
  const auto run = [&](View<const Value, B> d_y, View<const Real, B> weights, ListView<Index> offsets,
                       View<const Value, B> x, View<Real, B> d_weights) {
    return in_phase(context, Phase::experts, [&] {
      return X::backward_groups(context, experts, d_y, weights, offsets, x, std::move(experts_saved), d_weights,
                                gradients);
    });
  };
  Matrix<Value, B> d_x_ND;
  if (experts.is_spread()) {
    require(spread != nullptr, "moe_ffn_backward",
            "experts live on other ranks: pass what moe_ffn saved of their rows");
    require_ranks("backward", context, experts.place().rank, experts.place().ranks);
    const Exchange<B>& exchange = spread->exchange;
    Matrix<Value, B> d_y_MD;
    Matrix<Real, B> weights_1M;
    in_phase(context, Phase::combine, [&] {
      context.ranks->announce({"backward", context.layer});
      d_y_MD = exchange.template out<Value>(context, d_y_ND.const_view());
      weights_1M = exchange.template values_out<Real>(context, route.weights_1N.const_view());
    });
    auto d_weights_1M = Matrix<Real, B>::uninitialized(context, 1, exchange.rows());
    const auto d_x_MD = run(d_y_MD.const_view(), weights_1M.const_view(), exchange.offsets(), spread->x_MD.const_view(),
                            d_weights_1M.view());
    const PhaseScope scope(context, Phase::dispatch);
    d_x_ND = exchange.template back<Value>(context, d_x_MD.const_view());
    d_weights_1N = exchange.template values_back<Real>(context, d_weights_1M.const_view());
  } else {
    const auto x_ND = dispatched<Value, B>(context, x_TD, route.plan);
    d_weights_1N = Matrix<Real, B>::uninitialized(context, 1, route.plan.pairs());
    d_x_ND = run(d_y_ND.const_view(), route.weights_1N.const_view(), route.plan.offsets, x_ND.const_view(),
                 d_weights_1N.view());
  }
  const PhaseScope scope(context, Phase::dispatch);
  auto d_x_TD = Matrix<Value, B>::uninitialized(context, d_y_TD.rows, d_y_TD.cols);
  B::sum_rows(context, d_x_ND, route.plan, d_x_TD.view());
  return {std::move(d_x_TD), std::move(d_weights_1N)};
}

/// moe_ffn without saved tensors.
template <Expert X, class B = typename X::Backend, class Value = typename X::Value>
Matrix<Value, B> moe_ffn_infer(const typename B::Context& context, ExpertSpan<const X> experts,
                               View<const Value, B> x_TD, Route<Accum<Value>, B> route) {
  const auto x_ND = dispatched<Value, B>(context, x_TD, route.plan);
  const auto run = [&](View<const Value, B> rows, const GroupOffsets& offsets) {
    return in_phase(context, Phase::experts, [&] { return X::infer_groups(context, experts, rows, offsets); });
  };
  Matrix<Value, B> y_ND;
  if (experts.is_spread()) {
    const auto spread = spread_rows<X>(context, "inference", experts, x_ND.const_view(), route.plan);
    const auto y_MD = run(spread.x_MD.const_view(), spread.exchange.offsets());
    y_ND = in_phase(context, Phase::combine,
                    [&] { return spread.exchange.template back<Value>(context, y_MD.const_view()); });
  } else {
    y_ND = run(x_ND.const_view(), route.plan.groups());
  }
  return combined<Value, B>(context, y_ND.view(), route, x_TD.rows);
}

}  // namespace moe
