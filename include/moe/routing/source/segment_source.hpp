#pragma once

#include <concepts>
#include <utility>

#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// Says by which row a segment is routed: `forward` turns the segments' means into these rows; opens_1V tells which
/// segments are their sequence's first. `is_causal`: no row depends on what its segment holds. A source that routes all
/// first segments by one row says `static constexpr bool opens_alike = true`.
template <class S, class Value, class B>
concept SegmentSource = requires(const S& source, const typename B::Context& context, Matrix<Accum<Value>, B> means_VD,
                                 View<const Index, B> opens_1V, S& gradient) {
  { S::is_causal } -> std::convertible_to<bool>;
  { source.forward(context, std::move(means_VD), opens_1V) } -> std::same_as<Matrix<Accum<Value>, B>>;
  { source.backward(context, std::move(means_VD), opens_1V, gradient) } -> std::same_as<Matrix<Accum<Value>, B>>;
  { source.empty_tree() } -> std::same_as<S>;
};

/// A source that routes all first segments by one row.
template <class S>
concept OpensAlike = requires {
  requires S::opens_alike;
};

}  // namespace moe
