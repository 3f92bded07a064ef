#pragma once

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// mass_t = sum_e gates_te: what a row's segment-level gates add up to.
template <class Real, Backend B>
Matrix<Real, B> sum_of_gates(const typename B::Context& context, View<const Real, B> gates_TE) {
  auto mass = Matrix<Real, B>::uninitialized(context, 1, gates_TE.rows);
  B::for_each(context, gates_TE.rows, [=, mass_1T = mass.view()] MOE_ON_DEVICE(Index t) {
    Real sum = 0;
    for (Index e = 0; e < gates_TE.cols; ++e) sum += gates_TE(t, e);
    mass_1T(0, t) = sum;
  });
  return mass;
}

/// The backward of sum_of_gates: d_gates_te += d_mass_t.
template <class Real, Backend B>
void add_sum_of_gates_back(const typename B::Context& context, View<const Real, B> d_mass_1T,
                           View<Real, B> d_gates_TE) {
  B::for_each_cell(context, d_gates_TE.rows, d_gates_TE.cols,
                   [=] MOE_ON_DEVICE(Index t, Index e) { d_gates_TE(t, e) += d_mass_1T(0, t); });
}

/// y_TD = scale_t0 a_TD + scale_t1 b_TD, row by row.
template <class Value, Backend B>
Matrix<Value, B> scaled_sum(const typename B::Context& context, View<const Value, B> a_TD, View<const Value, B> b_TD,
                            View<const Wide<Value>, B> scale_T2) {
  auto y = Matrix<Value, B>::uninitialized(context, a_TD.rows, a_TD.cols);
  B::for_each_cell(context, a_TD.rows, a_TD.cols, [=, y_TD = y.view()] MOE_ON_DEVICE(Index t, Index d) {
    y_TD(t, d) = static_cast<Value>(scale_T2(t, 0) * widened(a_TD(t, d)) + scale_T2(t, 1) * widened(b_TD(t, d)));
  });
  return y;
}

/// d_scale_t0 = <d_y, a>, d_scale_t1 = <d_y, b>; a becomes d_a = scale_t0 d_y and b becomes d_b = scale_t1 d_y.
template <class Value, Backend B>
Matrix<Wide<Value>, B> scaled_sum_back(const typename B::Context& context, View<const Value, B> d_y_TD,
                                       View<Value, B> a_TD, View<Value, B> b_TD, View<const Wide<Value>, B> scale_T2) {
  using Real = Wide<Value>;
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
void scale_columns(const typename B::Context& context, View<const Value, B> x_TD, View<const Wide<Value>, B> w_1D,
                   View<Value, B> y_TD) {
  B::for_each_cell(context, y_TD.rows, y_TD.cols, [=] MOE_ON_DEVICE(Index t, Index d) {
    y_TD(t, d) = static_cast<Value>(w_1D(0, d) * widened(x_TD(t, d)));
  });
}
/// The backward of scale_columns: d_w_d += sum_t d_y_td x_td.
template <class Value, Backend B>
void add_scale_columns_back(const typename B::Context& context, View<const Value, B> d_y_TD, View<const Value, B> x_TD,
                            View<Wide<Value>, B> d_w_1D) {
  auto products = Matrix<Wide<Value>, B>::uninitialized(context, d_y_TD.rows, d_y_TD.cols);
  B::for_each_cell(context, d_y_TD.rows, d_y_TD.cols,
                   [=, products_TD = products.view()] MOE_ON_DEVICE(Index t, Index d) {
                     products_TD(t, d) = widened(d_y_TD(t, d)) * widened(x_TD(t, d));
                   });
  B::add_column_sums(context, products, d_w_1D);
}

/// Two levels' values side by side: joined_t = (a_t, b_t).
template <class Value, Backend B>
Matrix<Value, B> side_by_side(const typename B::Context& context, View<const Value, B> a_TE,
                              View<const Value, B> b_TE) {
  auto joined = Matrix<Value, B>::uninitialized(context, a_TE.rows, a_TE.cols + b_TE.cols);
  B::for_each(context, a_TE.rows, [=, joined_TE = joined.view()] MOE_ON_DEVICE(Index t) {
    for (Index e = 0; e < a_TE.cols; ++e) joined_TE(t, e) = a_TE(t, e);
    for (Index e = 0; e < b_TE.cols; ++e) joined_TE(t, a_TE.cols + e) = b_TE(t, e);
  });
  return joined;
}

/// gates_TE -> the gates of both levels side by side, scaled: (scale_t0 a_t, scale_t1 b_t).
template <class Real, Backend B>
Matrix<Real, B> scaled_side_by_side(const typename B::Context& context, View<const Real, B> a_TE,
                                    View<const Real, B> b_TE, View<const Real, B> scale_T2) {
  auto joined = side_by_side<Real, B>(context, a_TE, b_TE);
  B::for_each(context, a_TE.rows, [=, joined_TE = joined.view()] MOE_ON_DEVICE(Index t) {
    for (Index e = 0; e < joined_TE.cols; ++e) joined_TE(t, e) *= scale_T2(t, e < a_TE.cols ? 0 : 1);
  });
  return joined;
}

/// d_joined_TE -> d_a_TE = scale_t0 d_joined, d_b_TE = scale_t1 d_joined, d_scale_t0 = <a, d_joined>, d_scale_t1 =
/// <b, d_joined>.
template <class Real, class B>
struct ScaledGatesGradients {
  /// Gradients of both levels' gates and of the two numbers a row.
  Matrix<Real, B> d_a_TE, d_b_TE, d_scale_T2;
};
/// The backward of scaled_side_by_side.
template <class Real, Backend B>
ScaledGatesGradients<Real, B> scaled_side_by_side_back(const typename B::Context& context,
                                                       View<const Real, B> d_joined_TE, View<const Real, B> a_TE,
                                                       View<const Real, B> b_TE, View<const Real, B> scale_T2) {
  ScaledGatesGradients<Real, B> result{Matrix<Real, B>::uninitialized(context, a_TE.rows, a_TE.cols),
                                       Matrix<Real, B>::uninitialized(context, b_TE.rows, b_TE.cols),
                                       Matrix<Real, B>::uninitialized(context, a_TE.rows, 2)};
  B::for_each(context, a_TE.rows,
              [=, d_a_TE = result.d_a_TE.view(), d_b_TE = result.d_b_TE.view(),
               d_scale_T2 = result.d_scale_T2.view()] MOE_ON_DEVICE(Index t) {
                Real d_a = 0, d_b = 0;
                for (Index e = 0; e < a_TE.cols; ++e) {
                  d_a += a_TE(t, e) * d_joined_TE(t, e);
                  d_a_TE(t, e) = scale_T2(t, 0) * d_joined_TE(t, e);
                }
                for (Index e = 0; e < b_TE.cols; ++e) {
                  d_b += b_TE(t, e) * d_joined_TE(t, a_TE.cols + e);
                  d_b_TE(t, e) = scale_T2(t, 1) * d_joined_TE(t, a_TE.cols + e);
                }
                d_scale_T2(t, 0) = d_a;
                d_scale_T2(t, 1) = d_b;
              });
  return result;
}

/// values *= factor, value by value.
template <class Value, Backend B>
void multiply_by(const typename B::Context& context, Wide<Value> factor, View<Value, B> values) {
  B::for_each_cell(context, values.rows, values.cols, [=] MOE_ON_DEVICE(Index r, Index c) {
    values(r, c) = static_cast<Value>(factor * widened(values(r, c)));
  });
}

}  // namespace moe
