#pragma once

#include <algorithm>

#include "moe/backend/cpu/context.hpp"
#include "moe/core/bfloat16.hpp"

namespace moe::cpu {

/// Pooling over segments (routing/pooling/).
template <class Backend>
class SegmentsOperations {
  using Context = cpu::Context<Backend>;
  template <class Value>
  using In = cpu::In<Value, Backend>;
  template <class Value>
  using Out = View<Value, Backend>;

 public:
  /// mean[v] = sum of x's rows [begin_1V(0, v), begin_1V(0, v+1)) in order, divided by their number.
  template <class Value, class Real = Accum<Value>>
  static void segment_means(const Context& context, View<const Value, Backend> x_TD,
                            View<const Index, Backend> begin_1V, Out<Real> mean_VD) {
    Backend::for_each(context, mean_VD.rows, [&](Index v) {
      const auto mean = mean_VD.row(v);
      std::fill(mean.begin(), mean.end(), Real(0));
      for (Index t = begin_1V(0, v); t < begin_1V(0, v + 1); ++t)
        for (Index d = 0; d < mean.size; ++d) mean[d] += widened(x_TD(t, d));
      for (Real& m : mean) m /= static_cast<Real>(begin_1V(0, v + 1) - begin_1V(0, v));
    });
  }
  /// d_x[t] += d_mean[v] / len(v) for every row t of segment v.
  template <class Value, class Real = Accum<Value>>
  static void add_segment_means_backward(const Context& context, In<Real> d_mean_VD,
                                         View<const Index, Backend> begin_1V, Out<Value> d_x_TD) {
    Backend::for_each(context, d_mean_VD.rows, [&](Index v) {
      const Real share = Real(1) / static_cast<Real>(begin_1V(0, v + 1) - begin_1V(0, v));
      for (Index t = begin_1V(0, v); t < begin_1V(0, v + 1); ++t)
        for (Index d = 0; d < d_x_TD.cols; ++d)
          d_x_TD(t, d) = static_cast<Value>(widened(d_x_TD(t, d)) + share * d_mean_VD(v, d));
    });
  }

  /// max[v] = the largest value of each column of x's rows [begin_1V(0, v), begin_1V(0, v+1)); row[v] = the first row
  /// with that value.
  template <class Value, class Real = Accum<Value>>
  static void segment_maxima(const Context& context, View<const Value, Backend> x_TD,
                             View<const Index, Backend> begin_1V, Out<Real> max_VD, View<Index, Backend> row_VD) {
    Backend::for_each(context, max_VD.rows, [&](Index v) {
      const Index first = begin_1V(0, v);
      for (Index d = 0; d < max_VD.cols; ++d) max_VD(v, d) = widened(x_TD(first, d)), row_VD(v, d) = first;
      for (Index t = first + 1; t < begin_1V(0, v + 1); ++t)
        for (Index d = 0; d < max_VD.cols; ++d)
          if (const Real value = widened(x_TD(t, d)); value > max_VD(v, d)) max_VD(v, d) = value, row_VD(v, d) = t;
    });
  }
};

}  // namespace moe::cpu
