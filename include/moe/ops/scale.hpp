#pragma once

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// y_TD = scale_t0 a_TD + scale_t1 b_TD, row by row.
template <class Value, Backend B>
Matrix<Value, B> scaled_sum(const typename B::Context& context, View<const Value, B> a_TD, View<const Value, B> b_TD,
                            View<const Accum<Value>, B> scale_T2) {
  auto y = Matrix<Value, B>::uninitialized(context, a_TD.rows, a_TD.cols);
  B::for_each_cell(context, a_TD.rows, a_TD.cols, [=, y_TD = y.view()] MOE_ON_DEVICE(Index t, Index d) {
    y_TD(t, d) = static_cast<Value>(scale_T2(t, 0) * widened(a_TD(t, d)) + scale_T2(t, 1) * widened(b_TD(t, d)));
  });
  return y;
}

/// d_scale_t0 = <d_y, a>, d_scale_t1 = <d_y, b>; a becomes d_a = scale_t0 d_y and b becomes d_b = scale_t1 d_y.
template <class Value, Backend B>
Matrix<Accum<Value>, B> scaled_sum_backward(const typename B::Context& context, View<const Value, B> d_y_TD,
                                            View<Value, B> a_TD, View<Value, B> b_TD,
                                            View<const Accum<Value>, B> scale_T2) {
  using Real = Accum<Value>;
  using Team = typename B::Team;
  auto d_scale = Matrix<Real, B>::uninitialized(context, d_y_TD.rows, 2);
  B::for_each_row(context, d_y_TD.rows, [=, d_scale_T2 = d_scale.view()] MOE_ON_DEVICE(Index t, Team team) {
    Real d_a = 0, d_b = 0;
    for (Index d = team.rank(); d < d_y_TD.cols; d += team.size()) {
      const Real d_y = widened(d_y_TD(t, d));
      d_a += d_y * widened(a_TD(t, d));
      d_b += d_y * widened(b_TD(t, d));
      a_TD(t, d) = static_cast<Value>(scale_T2(t, 0) * d_y);
      b_TD(t, d) = static_cast<Value>(scale_T2(t, 1) * d_y);
    }
    d_a = team.sum(d_a);
    d_b = team.sum(d_b);
    if (team.rank() != 0) return;
    d_scale_T2(t, 0) = d_a;
    d_scale_T2(t, 1) = d_b;
  });
  return d_scale;
}

/// y_td = w_d x_td.
template <class Value, Backend B>
void scale_columns(const typename B::Context& context, View<const Value, B> x_TD, View<const Accum<Value>, B> w_1D,
                   View<Value, B> y_TD) {
  B::for_each_cell(context, y_TD.rows, y_TD.cols, [=] MOE_ON_DEVICE(Index t, Index d) {
    y_TD(t, d) = static_cast<Value>(w_1D(0, d) * widened(x_TD(t, d)));
  });
}
/// The backward of scale_columns: d_w_d += sum_t d_y_td x_td.
template <class Value, Backend B>
void add_scale_columns_backward(const typename B::Context& context, View<const Value, B> d_y_TD,
                                View<const Value, B> x_TD, View<Accum<Value>, B> d_w_1D) {
  auto products = Matrix<Accum<Value>, B>::uninitialized(context, d_y_TD.rows, d_y_TD.cols);
  B::for_each_cell(context, d_y_TD.rows, d_y_TD.cols,
                   [=, products_TD = products.view()] MOE_ON_DEVICE(Index t, Index d) {
                     products_TD(t, d) = widened(d_y_TD(t, d)) * widened(x_TD(t, d));
                   });
  B::add_column_sums(context, products, d_w_1D);
}

/// values *= factor, elementwise.
template <class Value, Backend B>
void multiply_by(const typename B::Context& context, Accum<Value> factor, View<Value, B> values) {
  B::for_each_cell(context, values.rows, values.cols, [=] MOE_ON_DEVICE(Index r, Index c) {
    values(r, c) = static_cast<Value>(factor * widened(values(r, c)));
  });
}

}  // namespace moe
