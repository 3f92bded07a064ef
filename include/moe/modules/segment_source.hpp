#pragma once

#include <string>
#include <utility>

#include "moe/concepts/backend.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// A segment is routed by its own mean (eq. 4). The first rows of a segment then learn from its last ones who works on
/// them, so this is not causal.
template <class Value, Backend B>
struct OwnMean {
  static constexpr bool is_causal = false;
  template <class Other>
  using rebind = OwnMean<Other, B>;

  explicit OwnMean(Index /*width*/ = 0) {}

  Matrix<Value, B> forward(const typename B::Context&, Matrix<Value, B> means_VD, View<const Index, B>) const {
    return means_VD;
  }
  Matrix<Value, B> backward(const typename B::Context&, Matrix<Value, B> d_u_VD, View<const Index, B>, OwnMean&) const {
    return d_u_VD;
  }
  OwnMean structure() const { return OwnMean(); }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const std::string&, Trees&&...) {}
};

/// A segment is routed by the mean of the segment before it, a sequence's first segment by a learned vector: the choice
/// is known before the segment's first row is.
template <class Value, Backend B>
struct PreviousMean {
  static constexpr bool is_causal = true;
  template <class Other>
  using rebind = PreviousMean<Other, B>;

  Vector<Value, B> first_D;

  PreviousMean() = default;
  explicit PreviousMean(Index width) : first_D(width) {}

  /// u_v = first where segment v opens its sequence, otherwise mean_{v-1}.
  Matrix<Value, B> forward(const typename B::Context& context, Matrix<Value, B> means_VD,
                           View<const Index, B> opens_1V) const {
    return pick(context, std::as_const(means_VD).view(), opens_1V, 1);
  }
  /// d_mean_v = d_u_{v+1} unless v+1 opens a sequence; d_first += sum of d_u over the segments that do.
  Matrix<Value, B> backward(const typename B::Context& context, Matrix<Value, B> d_u_VD, View<const Index, B> opens_1V,
                            PreviousMean& gradient) const {
    auto d_means = Matrix<Value, B>::uninitialized(context, d_u_VD.rows(), d_u_VD.cols());
    B::for_each(context, d_u_VD.rows(),
                [=, d_u = std::as_const(d_u_VD).view(), d_m = d_means.view()] MOE_HOST_DEVICE(Index v) {
                  const bool read = v + 1 < d_u.rows && opens_1V(0, v + 1) == 0;
                  for (Index d = 0; d < d_u.cols; ++d) d_m(v, d) = read ? d_u(v + 1, d) : Value(0);
                });
    if (!gradient.first_D.empty()) {
      B::for_each(context, d_u_VD.rows(), [=, d_u = d_u_VD.view()] MOE_HOST_DEVICE(Index v) {
        for (Index d = 0; d < d_u.cols && opens_1V(0, v) == 0; ++d) d_u(v, d) = 0;
      });
      B::add_column_sums(context, d_u_VD, gradient.first_D.view());
    }
    return d_means;
  }
  /// In decoding: row b is routed by previous_BD's row b, or by the first vector.
  Matrix<Value, B> for_decoding(const typename B::Context& context, View<const Value, B> previous_BD,
                                View<const Index, B> opens_1B) const {
    return pick(context, previous_BD, opens_1B, 0);
  }

  PreviousMean structure() const { return {}; }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    visit(prefix + "first_segment", trees.first_D...);
  }

 private:
  Matrix<Value, B> pick(const typename B::Context& context, View<const Value, B> means_VD,
                        View<const Index, B> opens_1V, Index back) const {
    auto u = Matrix<Value, B>::uninitialized(context, means_VD.rows, means_VD.cols);
    B::for_each(context, means_VD.rows, [=, first = first_D.view(), u_VD = u.view()] MOE_HOST_DEVICE(Index v) {
      const bool opens = opens_1V(0, v) != 0;
      for (Index d = 0; d < u_VD.cols; ++d) u_VD(v, d) = opens ? first(0, d) : means_VD(v - back, d);
    });
    return u;
  }
};

}  // namespace moe
