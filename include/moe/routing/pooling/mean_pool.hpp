#pragma once

#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// Mean pooling: a segment's summary is the mean of its rows (the paper's eq. 4).
struct MeanPool {
  template <class Value, class B>
  struct Saved {};

  /// x_TD -> mean_VD; segment v holds rows [begin_1V(0, v), begin_1V(0, v+1)).
  template <class Value, class B>
  static Saved<Value, B> forward(const typename B::Context& context, View<const Value, B> x_TD,
                                 View<const Index, B> begin_1V, View<Accum<Value>, B> mean_VD) {
    B::segment_means(context, x_TD, begin_1V, mean_VD);
    return {};
  }
  /// d_x_t += d_mean_v / len(v).
  template <class Value, class B>
  static void add_backward(const typename B::Context& context, View<const Accum<Value>, B> d_mean_VD,
                           View<const Index, B> begin_1V, const Saved<Value, B>&, View<Value, B> d_x_TD) {
    B::add_segment_means_backward(context, d_mean_VD, begin_1V, d_x_TD);
  }

  /// One channel, one row at a time (decoding): the running sum after one more value.
  template <class Real>
  MOE_HOST_DEVICE static Real accumulated(Real so_far, Real value, Index /*rows before*/) {
    return so_far + value;
  }
  /// The running sum divided by the number of rows.
  template <class Real>
  MOE_HOST_DEVICE static Real finished(Real so_far, Index rows) {
    return so_far / static_cast<Real>(rows);
  }
};

}  // namespace moe
