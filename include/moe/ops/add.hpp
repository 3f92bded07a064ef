#pragma once

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// Sets every value to 0.
template <class Value, Backend B>
void set_to_zero(const typename B::Context& context, View<Value, B> values) {
  B::for_each_cell(context, values.rows, values.cols,
                   [values] MOE_ON_DEVICE(Index r, Index c) { values(r, c) = Value(0); });
}

/// to = from, elementwise, rounded to the type of `to`; both have the same shape.
template <class From, class To, Backend B>
void convert(const typename B::Context& context, View<const From, B> from, View<To, B> to) {
  B::for_each_cell(context, to.rows, to.cols, [=] MOE_ON_DEVICE(Index r, Index c) {
    to(r, c) = static_cast<To>(static_cast<Accum<To>>(widened(from(r, c))));
  });
}

/// to += from, elementwise; both have the same shape.
template <class From, class To, Backend B>
void add_to(const typename B::Context& context, const Matrix<From, B>& from, View<To, B> to) {
  B::for_each_cell(context, to.rows, to.cols, [to, from = from.view()] MOE_ON_DEVICE(Index t, Index d) {
    to(t, d) = static_cast<To>(widened(to(t, d)) + static_cast<Accum<To>>(widened(from(t, d))));
  });
}

/// to_t += from for every row t; `from` has one row.
template <class Value, Backend B>
void add_row(const typename B::Context& context, const Matrix<Value, B>& from, View<Value, B> to) {
  B::for_each_cell(context, to.rows, to.cols, [to, from = from.view()] MOE_ON_DEVICE(Index t, Index d) {
    to(t, d) = static_cast<Value>(widened(to(t, d)) + widened(from(0, d)));
  });
}

}  // namespace moe
