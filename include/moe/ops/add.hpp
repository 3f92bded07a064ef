#pragma once

#include "moe/concepts/backend.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// Every value becomes 0.
template <class Value, Backend B>
void set_to_zero(const typename B::Context& context, View<Value, B> values) {
  B::for_each_cell(context, values.rows, values.cols,
                   [values] MOE_ON_DEVICE(Index r, Index c) { values(r, c) = Value(0); });
}

/// to += from, value by value; both have the same shape.
template <class Real, Backend B>
void add_to(const typename B::Context& context, const Matrix<Real, B>& from, View<Real, B> to) {
  B::for_each_cell(context, to.rows, to.cols,
                   [to, from = from.view()] MOE_ON_DEVICE(Index t, Index d) { to(t, d) += from(t, d); });
}

/// to_t += from for every row t; `from` has one row.
template <class Real, Backend B>
void add_row(const typename B::Context& context, const Matrix<Real, B>& from, View<Real, B> to) {
  B::for_each_cell(context, to.rows, to.cols,
                   [to, from = from.view()] MOE_ON_DEVICE(Index t, Index d) { to(t, d) += from(0, d); });
}

}  // namespace moe
