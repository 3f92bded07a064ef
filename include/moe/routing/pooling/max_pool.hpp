#pragma once

#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// Max pooling: a segment's summary is the largest value of each channel among its rows (the paper's released code).
struct MaxPool {
  /// What backward needs.
  template <class Value, class B>
  struct Saved {
    /// For each segment and channel, the row with the largest value.
    Matrix<Index, B> row_VD;
  };

  /// x_TD -> max_VD; segment v holds rows [begin_1V(0, v), begin_1V(0, v+1)). On ties the first row counts.
  template <class Value, class B>
  static Saved<Value, B> forward(const typename B::Context& context, View<const Value, B> x_TD,
                                 View<const Index, B> begin_1V, View<Accum<Value>, B> max_VD) {
    Saved<Value, B> saved{Matrix<Index, B>::uninitialized(context, max_VD.rows, max_VD.cols)};
    B::segment_maxima(context, x_TD, begin_1V, max_VD, saved.row_VD.view());
    return saved;
  }
  /// d_x[row of the largest value] += d_max.
  template <class Value, class B>
  static void add_backward(const typename B::Context& context, View<const Accum<Value>, B> d_max_VD,
                           View<const Index, B>, const Saved<Value, B>& saved, View<Value, B> d_x_TD) {
    // Segments share no row, so no two threads write to the same entry.
    B::for_each_cell(context, d_max_VD.rows, d_max_VD.cols,
                     [=, row_VD = saved.row_VD.view()] MOE_ON_DEVICE(Index v, Index d) {
                       Value& d_x = d_x_TD(row_VD(v, d), d);
                       d_x = static_cast<Value>(widened(d_x) + d_max_VD(v, d));
                     });
  }

  /// One channel, one row at a time (decoding): the running maximum `so_far` of `rows_before` rows after one more
  /// value.
  template <class Real>
  MOE_HOST_DEVICE static Real accumulated(Real so_far, Real value, Index rows_before) {
    return rows_before == 0 || value > so_far ? value : so_far;
  }
  /// The running maximum is the summary.
  template <class Real>
  MOE_HOST_DEVICE static Real finished(Real so_far, Index /*rows*/) {
    return so_far;
  }
};

}  // namespace moe
