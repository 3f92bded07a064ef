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

/// A segment is routed by the pooling P of its own rows (eq. 4). The experts of its first rows then depend on its last
/// rows, so this is not causal.
template <class Value, Backend B, Pooling P = MeanPool>
struct OwnSegment {
  /// Pooling of a segment's rows.
  using Pool = P;
  static constexpr bool is_causal = false;
  template <class Other>
  using rebind = OwnSegment<Other, B, P>;

  /// Has no parameters, so it needs no width.
  explicit OwnSegment(Index /*width*/ = 0) {}
  /// Type that pooled segments are computed and stored in.
  using Real = Accum<Value>;

  /// pooled_VD -> u_VD, the rows that segments are routed by.
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
  /// An empty parameter tree with values of type Other.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    return rebind<Other>();
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto&, Trees&&...) {}
};

/// A segment is routed by the pooling P of the previous segment, the first segment of a sequence by a learned vector.
/// The experts are therefore selected before the segment's first row is read. The first segments of all sequences are
/// routed by identical rows: experts that take segments take all of them or none (routing/router/identical_rows.hpp).
template <class Value, Backend B, Pooling P = MeanPool>
struct PreviousSegment {
  /// Pooling of a segment's rows.
  using Pool = P;
  static constexpr bool is_causal = true;
  /// All first segments are routed by one identical row.
  static constexpr bool shares_first_row = true;
  template <class Other>
  using rebind = PreviousSegment<Other, B, P>;

  /// Type that pooled segments and the vector are computed and stored in.
  using Real = Accum<Value>;

  /// Learned vector that the first segment of every sequence is routed by, D values.
  Vector<Real, B> first_D;

  PreviousSegment() = default;
  /// The vector starts at zero.
  explicit PreviousSegment(Index width) : first_D(width) {}

  /// u_v = first if segment v is the first of its sequence, otherwise pooled_{v-1}.
  Matrix<Real, B> forward(const typename B::Context& context, Matrix<Real, B> pooled_VD,
                          View<const Index, B> opens_1V) const {
    return first_or_before<Real, B>(context, first_D.view(), pooled_VD.const_view(), opens_1V, 1);
  }
  /// d_pooled_v = d_u_{v+1}, or 0 if segment v is the last of its sequence; d_first += sum of d_u over the first
  /// segments.
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
  /// Decoding: sequence b is routed by row b of previous_BD, or by the learned vector if opens_1B is 1.
  Matrix<Real, B> for_decoding(const typename B::Context& context, View<const Real, B> previous_BD,
                               View<const Index, B> opens_1B) const {
    return first_or_before<Real, B>(context, first_D.view(), previous_BD, opens_1B, 0);
  }

  /// Throws Error unless the vector has `width` values.
  void require_fits(Index width) const {
    require(first_D.size() == width, "PreviousSegment", "the first segment's vector must have ",
            counted(width, "values"), ", got ", first_D.size());
  }

  PreviousSegment empty_tree() const { return {}; }
  /// An empty parameter tree with values of type Other.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    return {};
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "first_segment", trees.first_D...);
  }
};

/// Routes by the mean of the segment itself, as the paper does.
template <class Value, class B>
using OwnMean = OwnSegment<Value, B, MeanPool>;
/// Routes by the channel maxima of the segment itself, as the released code does.
template <class Value, class B>
using OwnMax = OwnSegment<Value, B, MaxPool>;
/// Routes by the mean of the previous segment.
template <class Value, class B>
using PreviousMean = PreviousSegment<Value, B, MeanPool>;
/// Routes by the channel maxima of the previous segment.
template <class Value, class B>
using PreviousMax = PreviousSegment<Value, B, MaxPool>;

}  // namespace moe
