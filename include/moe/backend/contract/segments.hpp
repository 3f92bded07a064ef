#pragma once

#include <concepts>

#include "moe/core/bfloat16.hpp"
#include "moe/core/index.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace contract {

/// segment_means(context, x_TD, begin_1V, mean_VD): sum of the rows of each segment, in order, divided by their number.
template <class B, class Value>
concept HasSegmentMeans = requires(const typename B::Context& context, View<const Value, B> x_TD,
                                   View<const Index, B> begin_1V, View<Accum<Value>, B> mean_VD) {
  { B::segment_means(context, x_TD, begin_1V, mean_VD) } -> std::same_as<void>;
};

/// add_segment_means_backward(context, d_mean_VD, begin_1V, d_x_TD): d_x[t] += d_mean[v] / len(v) for every row t of
/// segment v.
template <class B, class Value>
concept HasAddSegmentMeansBackward = requires(const typename B::Context& context,
                                              const Matrix<Accum<Value>, B>& d_mean_VD, View<const Index, B> begin_1V,
                                              View<Value, B> d_x_TD) {
  { B::add_segment_means_backward(context, d_mean_VD, begin_1V, d_x_TD) } -> std::same_as<void>;
};

/// segment_maxima(context, x_TD, begin_1V, max_VD, row_VD): the largest value of each column of a segment, and the
/// first row that has it.
template <class B, class Value>
concept HasSegmentMaxima = requires(const typename B::Context& context, View<const Value, B> x_TD,
                                    View<const Index, B> begin_1V, View<Accum<Value>, B> max_VD,
                                    View<Index, B> row_VD) {
  { B::segment_maxima(context, x_TD, begin_1V, max_VD, row_VD) } -> std::same_as<void>;
};

}  // namespace contract

/// Pooling. Segment v has rows [begin_1V(0, v), begin_1V(0, v+1)) of x; its result does not depend on other rows.
template <class B, class Value>
concept SegmentsBackend = contract::HasSegmentMeans<B, Value> && contract::HasAddSegmentMeansBackward<B, Value> &&
    contract::HasSegmentMaxima<B, Value>;

namespace contract {

/// Names the missing operation of SegmentsBackend.
template <class B, class Value>
constexpr bool check_segments() {
  static_assert(HasSegmentMeans<B, Value>,
                "Backend: segment_means(context, x_TD, begin_1V, mean_VD) is missing or has another signature, see "
                "moe/backend/contract/segments.hpp");
  static_assert(HasAddSegmentMeansBackward<B, Value>,
                "Backend: add_segment_means_backward(context, d_mean_VD, begin_1V, d_x_TD) is missing or has another "
                "signature, see moe/backend/contract/segments.hpp");
  static_assert(HasSegmentMaxima<B, Value>,
                "Backend: segment_maxima(context, x_TD, begin_1V, max_VD, row_VD) is missing or has another signature, "
                "see moe/backend/contract/segments.hpp");
  return SegmentsBackend<B, Value>;
}

}  // namespace contract

}  // namespace moe
