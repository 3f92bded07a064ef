#pragma once

#include <string>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/routing/pooling/max_pool.hpp"
#include "moe/routing/pooling/mean_pool.hpp"
#include "moe/routing/pooling/pooling.hpp"
#include "moe/routing/steps/segment.hpp"

namespace moe {

/// A segment is routed by what P makes of its own rows (eq. 4). The first rows of a segment then learn from its last
/// ones who works on them, so this is not causal.
template <class Value, Backend B, Pooling P = MeanPool>
struct OwnSegment {
  /// What sums a segment up.
  using Pool = P;
  static constexpr bool is_causal = false;
  template <class Other>
  using rebind = OwnSegment<Other, B, P>;

  /// Learns nothing, so it needs no width.
  explicit OwnSegment(Index /*width*/ = 0) {}
  /// What pooled segments are computed and kept in.
  using Real = Accum<Value>;

  /// pooled_VD -> u_VD, what each segment is routed by.
  Matrix<Real, B> forward(const typename B::Context&, Matrix<Real, B> pooled_VD, View<const Index, B>) const {
    return pooled_VD;
  }
  /// d_pooled = d_u.
  template <class GradientTree>
  Matrix<Real, B> backward(const typename B::Context&, Matrix<Real, B> d_u_VD, View<const Index, B>,
                           GradientTree&) const {
    return d_u_VD;
  }
  OwnSegment empty_tree() const { return OwnSegment(); }
  /// The same tree of other values.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    return rebind<Other>();
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto&, Trees&&...) {}
};

/// A segment is routed by what P makes of the segment before it, a sequence's first segment by a learned vector: the
/// choice is known before the segment's first row is. First segments of all sequences then are one decision: experts
/// that take segments take all of them or none (routing/router/alike_rows.hpp).
template <class Value, Backend B, Pooling P = MeanPool>
struct PreviousSegment {
  /// What sums a segment up.
  using Pool = P;
  static constexpr bool is_causal = true;
  /// All first segments are one row.
  static constexpr bool opens_alike = true;
  template <class Other>
  using rebind = PreviousSegment<Other, B, P>;

  /// What pooled segments and the vector are computed and kept in.
  using Real = Accum<Value>;

  /// What a sequence's first segment is routed by.
  Vector<Real, B> first_D;

  PreviousSegment() = default;
  /// The vector is all zero.
  explicit PreviousSegment(Index width) : first_D(width) {}

  /// u_v = first where segment v opens its sequence, otherwise pooled_{v-1}.
  Matrix<Real, B> forward(const typename B::Context& context, Matrix<Real, B> pooled_VD,
                          View<const Index, B> opens_1V) const {
    return first_or_before<Real, B>(context, first_D.view(), pooled_VD.const_view(), opens_1V, 1);
  }
  /// d_pooled_v = d_u_{v+1} unless v+1 opens a sequence; d_first += sum of d_u over the segments that do.
  template <class GradientTree>
  Matrix<Real, B> backward(const typename B::Context& context, Matrix<Real, B> d_u_VD, View<const Index, B> opens_1V,
                           GradientTree& gradient) const {
    auto d_pooled = Matrix<Real, B>::uninitialized(context, d_u_VD.rows(), d_u_VD.cols());
    B::for_each_cell(context, d_u_VD.rows(), d_u_VD.cols(),
                     [=, d_u = d_u_VD.const_view(), d_p = d_pooled.view()] MOE_ON_DEVICE(Index v, Index d) {
                       const bool read = v + 1 < d_u.rows && opens_1V(0, v + 1) == 0;
                       d_p(v, d) = read ? d_u(v + 1, d) : Real(0);
                     });
    if (!gradient.first_D.empty()) {
      B::for_each_cell(context, d_u_VD.rows(), d_u_VD.cols(), [=, d_u = d_u_VD.view()] MOE_ON_DEVICE(Index v, Index d) {
        if (opens_1V(0, v) == 0) d_u(v, d) = 0;
      });
      B::add_column_sums(context, d_u_VD, gradient.first_D.view());
    }
    return d_pooled;
  }
  /// In decoding: row b is routed by previous_BD's row b, or by the first vector.
  Matrix<Real, B> for_decoding(const typename B::Context& context, View<const Real, B> previous_BD,
                               View<const Index, B> opens_1B) const {
    return first_or_before<Real, B>(context, first_D.view(), previous_BD, opens_1B, 0);
  }

  /// Throws Error unless the vector has as many values as rows.
  void require_fits(Index width) const {
    require(first_D.size() == width, "PreviousSegment", "the first segment's vector must have ",
            counted(width, "values"), ", got ", first_D.size());
  }

  PreviousSegment empty_tree() const { return {}; }
  /// The same tree of other values.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    return {};
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "first_segment", trees.first_D...);
  }
};

/// RoutingResult by the segment's own mean, as the paper does.
template <class Value, class B>
using OwnMean = OwnSegment<Value, B, MeanPool>;
/// RoutingResult by the segment's own maxima, as the released code does.
template <class Value, class B>
using OwnMax = OwnSegment<Value, B, MaxPool>;
/// RoutingResult by the mean of the segment before.
template <class Value, class B>
using PreviousMean = PreviousSegment<Value, B, MeanPool>;
/// RoutingResult by the maxima of the segment before.
template <class Value, class B>
using PreviousMax = PreviousSegment<Value, B, MaxPool>;

}  // namespace moe
