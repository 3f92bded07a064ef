#pragma once

#include <concepts>
#include <utility>

#include "moe/core/bfloat16.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/index.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace contract {

/// top_rows(context, scores_RE, take, chosen_RE, boundary_1E): for each expert, choice orders 1 to `take` for the rows
/// with the highest scores, 0 for the others; ties go to the lower row, NaN comes last. boundary_1E: for each expert
/// the midpoint of its lowest selected score and its highest other score; half the lowest selected score if every row
/// is selected; 1 if none is. Thresholds can be learned from it if scores lie in [0, 1], as those of softmax and
/// sigmoid.
template <class B, class Value>
concept HasTopRows = requires(const typename B::Context& context, const Matrix<Accum<Value>, B>& scores_RE, Index take,
                              View<ChoiceOrder, B> chosen_RE, View<Accum<Value>, B> boundary_1E) {
  { B::top_rows(context, scores_RE, take, chosen_RE, boundary_1E) } -> std::same_as<void>;
};

/// drop_overflow(context, take, chosen_RE, dropped_1E): for each expert, sets the choices beyond `take` rows to 0:
/// lower choice orders are kept first, then lower rows. dropped_1E is the number of dropped rows of each expert.
template <class B>
concept HasDropOverflow = requires(const typename B::Context& context, Index take, View<ChoiceOrder, B> chosen_RE,
                                   View<Index, B> dropped_1E) {
  { B::drop_overflow(context, take, chosen_RE, dropped_1E) } -> std::same_as<void>;
};

/// begin_grouping(context, chosen_RE, expected) -> Grouping: starts to count the pairs (row, expert) with a choice
/// order above 0; work may be enqueued during the asynchronous copy of the counts to the host. With `expected` counts,
/// the plan need not be complete.
template <class B>
concept HasBeginGrouping = requires(const typename B::Context& context, View<const ChoiceOrder, B> chosen_RE,
                                    const ExpectedCounts& expected) {
  { B::begin_grouping(context, chosen_RE, expected) } -> std::same_as<typename B::Grouping>;
};

/// finish_grouping(context, chosen_RE, grouping) -> Plan: the pairs sorted by expert, then by row, see core/plan.hpp.
template <class B>
concept HasFinishGrouping = requires(const typename B::Context& context, View<const ChoiceOrder, B> chosen_RE,
                                     typename B::Grouping&& grouping) {
  { B::finish_grouping(context, chosen_RE, std::move(grouping)) } -> std::same_as<Plan<B>>;
};

/// gather_rows(context, x_TD, plan, x_ND): copies the row of x of each pair.
template <class B, class Value>
concept HasGatherRows = requires(const typename B::Context& context, const Matrix<Value, B>& x_TD, const Plan<B>& plan,
                                 View<Value, B> x_ND) {
  { B::gather_rows(context, x_TD, plan, x_ND) } -> std::same_as<void>;
};

/// combine_rows(context, y_ND, gates_1N, plan, y_TD): y_t = sum of gates_n y_n over the pairs of row t, by ascending
/// expert; 0 for a row without pairs.
template <class B, class Value>
concept HasCombineRows = requires(const typename B::Context& context, const Matrix<Value, B>& y_ND,
                                  const Matrix<Accum<Value>, B>& gates_1N, const Plan<B>& plan, View<Value, B> y_TD) {
  { B::combine_rows(context, y_ND, gates_1N, plan, y_TD) } -> std::same_as<void>;
};

/// sum_rows(context, x_ND, plan, x_TD): x_t = sum of x_n over the pairs of row t, by ascending expert.
template <class B, class Value>
concept HasSumRows = requires(const typename B::Context& context, const Matrix<Value, B>& x_ND, const Plan<B>& plan,
                              View<Value, B> x_TD) {
  { B::sum_rows(context, x_ND, plan, x_TD) } -> std::same_as<void>;
};

}  // namespace contract

/// The operations that select rows by experts, drop the overflow, sort the pairs (row, expert), dispatch and combine.
template <class B, class Value>
concept RoutingBackend = contract::HasTopRows<B, Value> && contract::HasDropOverflow<B> &&
    contract::HasBeginGrouping<B> && contract::HasFinishGrouping<B> && contract::HasGatherRows<B, Value> &&
    contract::HasCombineRows<B, Value> && contract::HasSumRows<B, Value>;

namespace contract {

/// Names the missing operation of RoutingBackend.
template <class B, class Value>
constexpr bool check_routing() {
  static_assert(HasTopRows<B, Value>,
                "Backend: top_rows(context, scores_RE, take, chosen_RE, boundary_1E) is missing or has another "
                "signature, see moe/backend/contract/routing.hpp");
  static_assert(HasDropOverflow<B>,
                "Backend: drop_overflow(context, take, chosen_RE, dropped_1E) is missing or has another signature, see "
                "moe/backend/contract/routing.hpp");
  static_assert(HasBeginGrouping<B>,
                "Backend: begin_grouping(context, chosen_RE, expected) is missing or has another signature, see "
                "moe/backend/contract/routing.hpp");
  static_assert(HasFinishGrouping<B>,
                "Backend: finish_grouping(context, chosen_RE, grouping) is missing or has another signature, see "
                "moe/backend/contract/routing.hpp");
  static_assert(HasGatherRows<B, Value>,
                "Backend: gather_rows(context, x_TD, plan, x_ND) is missing or has another signature, see "
                "moe/backend/contract/routing.hpp");
  static_assert(HasCombineRows<B, Value>,
                "Backend: combine_rows(context, y_ND, gates_1N, plan, y_TD) is missing or has another signature, see "
                "moe/backend/contract/routing.hpp");
  static_assert(HasSumRows<B, Value>,
                "Backend: sum_rows(context, x_ND, plan, x_TD) is missing or has another signature, see "
                "moe/backend/contract/routing.hpp");
  return RoutingBackend<B, Value>;
}

}  // namespace contract

}  // namespace moe
