#pragma once

#include <concepts>

#include "moe/core/bfloat16.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/team.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace contract {

/// A function of an index, as for_each takes it.
struct OfIndex {
  /// Does nothing.
  MOE_HOST_DEVICE void operator()(Index) const {}
};
/// A function of a row and a column, as for_each_cell takes it.
struct OfCell {
  /// Does nothing.
  MOE_HOST_DEVICE void operator()(Index, Index) const {}
};
/// A function of a row that a team shares, as for_each_row takes it.
template <class Team>
struct OfRow {
  /// Does nothing.
  MOE_HOST_DEVICE void operator()(Index, Team) const {}
};

/// Team: the threads that share the work on one row, see core/team.hpp.
template <class B>
concept HasTeam = requires {
  requires RowTeam<typename B::Team>;
};

/// for_each(context, count, f): f(i) for every i in [0, count), in any order; no other f(j) accesses what f(i) writes.
template <class B>
concept HasForEach = requires(const typename B::Context& context, Index count, const OfIndex& f) {
  { B::for_each(context, count, f) } -> std::same_as<void>;
};

/// for_each_element(context, count, f): the same for a cheap f of a few operations.
template <class B>
concept HasForEachElement = requires(const typename B::Context& context, Index count, const OfIndex& f) {
  { B::for_each_element(context, count, f) } -> std::same_as<void>;
};

/// for_each_cell(context, rows, cols, f): f(row, col) for every cell, for a cheap f of a few operations.
template <class B>
concept HasForEachCell = requires(const typename B::Context& context, Index rows, Index cols, const OfCell& f) {
  { B::for_each_cell(context, rows, cols, f) } -> std::same_as<void>;
};

/// for_each_row(context, rows, f): f(row, team) for every row; the team shares the work on it.
template <class B>
concept HasForEachRow = requires(const typename B::Context& context, Index rows, const OfRow<typename B::Team>& f) {
  { B::for_each_row(context, rows, f) } -> std::same_as<void>;
};

/// for_each_on_host(context, count, f): f(i) for every i in [0, count) on the host, in any order, on the context's host
/// threads: for an expensive f, such as drawing initial values.
template <class B>
concept HasForEachOnHost = requires(const typename B::Context& context, Index count, const OfIndex& f) {
  { B::for_each_on_host(context, count, f) } -> std::same_as<void>;
};

/// add_column_sums(context, x_RD, y_1D): y += sum of the rows of x, in a fixed order; add_column_sums<Sum, Value> where
/// the sums have another type than the values.
template <class B, class Value>
concept HasAddColumnSums = requires(const typename B::Context& context, const Matrix<Value, B>& x_RD,
                                    View<Value, B> y_1D, View<Accum<Value>, B> wide_y_1D) {
  { B::add_column_sums(context, x_RD, y_1D) } -> std::same_as<void>;
  { B::template add_column_sums<Accum<Value>, Value>(context, x_RD, wide_y_1D) } -> std::same_as<void>;
};

/// sum_of_squares(context, x, sum_11): the sum of squares of all values of x, in double, in a fixed order. The host
/// does not wait, so that the sums of many tensors are downloaded at once.
template <class B, class Value>
concept HasSumOfSquares = requires(const typename B::Context& context, View<const Value, B> x, View<double, B> sum_11) {
  { B::sum_of_squares(context, x, sum_11) } -> std::same_as<void>;
};

}  // namespace contract

/// Elementwise and row-wise operations, and sums.
template <class B, class Value>
concept ElementwiseBackend = contract::HasTeam<B> && contract::HasForEach<B> && contract::HasForEachElement<B> &&
    contract::HasForEachCell<B> && contract::HasForEachRow<B> && contract::HasForEachOnHost<B> &&
    contract::HasAddColumnSums<B, Value> && contract::HasSumOfSquares<B, Value>;

namespace contract {

/// Names the type Team, which row policies need, if it is missing.
template <class B>
constexpr bool check_team() {
  static_assert(HasTeam<B>, "Backend: Team is missing or not a RowTeam, see moe/backend/contract/elementwise.hpp");
  return HasTeam<B>;
}

/// Names the missing operation of ElementwiseBackend.
template <class B, class Value>
constexpr bool check_elementwise() {
  static_assert(check_team<B>());
  static_assert(HasForEach<B>,
                "Backend: for_each(context, count, f) is missing or has another signature, see "
                "moe/backend/contract/elementwise.hpp");
  static_assert(HasForEachElement<B>,
                "Backend: for_each_element(context, count, f) is missing or has another signature, see "
                "moe/backend/contract/elementwise.hpp");
  static_assert(HasForEachCell<B>,
                "Backend: for_each_cell(context, rows, cols, f) is missing or has another signature, see "
                "moe/backend/contract/elementwise.hpp");
  static_assert(HasForEachRow<B>,
                "Backend: for_each_row(context, rows, f) is missing or has another signature, see "
                "moe/backend/contract/elementwise.hpp");
  static_assert(HasForEachOnHost<B>,
                "Backend: for_each_on_host(context, count, f) is missing or has another signature, see "
                "moe/backend/contract/elementwise.hpp");
  static_assert(HasAddColumnSums<B, Value>,
                "Backend: add_column_sums(context, x_RD, y_1D) is missing or has another signature, see "
                "moe/backend/contract/elementwise.hpp");
  static_assert(HasSumOfSquares<B, Value>,
                "Backend: sum_of_squares(context, x, sum_11) is missing or has another signature, see "
                "moe/backend/contract/elementwise.hpp");
  return ElementwiseBackend<B, Value>;
}

}  // namespace contract

}  // namespace moe
