#pragma once

#include "moe/backend/cuda/context.cuh"
#include "moe/core/bfloat16.hpp"
#include "moe/core/host_device.hpp"

namespace moe::gpu {

/// Pooling over segments (routing/pooling/).
template <class Backend, class Device>
class SegmentsOperations {
  using Context = gpu::Context<Backend, Device>;
  template <class Value>
  using In = gpu::In<Value, Backend>;
  template <class Value>
  using Out = View<Value, Backend>;

 public:
  /// mean[v] = sum of x's rows [begin_1V(0, v), begin_1V(0, v+1)) in order, divided by their number.
  template <class Value, class Real>
  static void segment_means(const Context& context, View<const Value, Backend> x_TD,
                            View<const Index, Backend> begin_1V, Out<Real> mean_VD) {
    Backend::for_each_cell(context, mean_VD.rows, mean_VD.cols, [=] MOE_ON_DEVICE(Index v, Index d) {
      const Index begin = begin_1V(0, v), end = begin_1V(0, v + 1);
      Real sum = 0;
      for (Index t = begin; t < end; ++t) sum += static_cast<Real>(x_TD(t, d));
      mean_VD(v, d) = sum / static_cast<Real>(end - begin);
    });
  }
  /// d_x[t] += d_mean[v] / len(v) for every row t of segment v.
  template <class Value, class Real = Accum<Value>>
  static void add_segment_means_backward(const Context& context, In<Real> d_mean_VD,
                                         View<const Index, Backend> begin_1V, Out<Value> d_x_TD) {
    constexpr int many = 8;
    Backend::for_each_cell(context, d_mean_VD.rows, d_mean_VD.cols, [=] MOE_ON_DEVICE(Index v, Index d) {
      const Index begin = begin_1V(0, v), end = begin_1V(0, v + 1);
      const Real share = d_mean_VD(v, d) * (Real(1) / static_cast<Real>(end - begin));
      // A few rows are read before the first is written; the compiler may not move these reads before writes itself.
      for (Index t = begin; t < end; t += many) {
        Real d_x[many];
        for (int i = 0; i < many; ++i) d_x[i] = t + i < end ? widened(d_x_TD(t + i, d)) : Real(0);
        for (int i = 0; i < many; ++i)
          if (t + i < end) d_x_TD(t + i, d) = static_cast<Value>(d_x[i] + share);
      }
    });
  }
  /// max[v] = the largest value of each column of x's rows [begin_1V(0, v), begin_1V(0, v+1)); row[v] = the first row
  /// with that value.
  template <class Value, class Real>
  static void segment_maxima(const Context& context, View<const Value, Backend> x_TD,
                             View<const Index, Backend> begin_1V, Out<Real> max_VD, View<Index, Backend> row_VD) {
    Backend::for_each_cell(context, max_VD.rows, max_VD.cols, [=] MOE_ON_DEVICE(Index v, Index d) {
      Index best = begin_1V(0, v);
      Real most = static_cast<Real>(x_TD(best, d));
      for (Index t = best + 1; t < begin_1V(0, v + 1); ++t) {
        const Real value = static_cast<Real>(x_TD(t, d));
        if (value > most) most = value, best = t;
      }
      max_VD(v, d) = most;
      row_VD(v, d) = best;
    });
  }
};

}  // namespace moe::gpu
