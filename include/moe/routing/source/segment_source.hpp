#pragma once

#include <concepts>
#include <utility>

#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// Computes the row that each segment is routed by: `forward` turns the pooled segments into these rows; opens_1V is 1
/// for the first segment of a sequence. `is_causal`: no such row depends on the rows of its own segment. A source that
/// routes all first segments by one identical row declares `static constexpr bool shares_first_row = true`.
template <class S, class Value, class B>
concept SegmentSource = requires(const S& source, const typename B::Context& context, Matrix<Accum<Value>, B> means_VD,
                                 View<const Index, B> opens_1V, S& gradient) {
  { S::is_causal } -> std::convertible_to<bool>;
  { source.forward(context, std::move(means_VD), opens_1V) } -> std::same_as<Matrix<Accum<Value>, B>>;
  { source.backward(context, std::move(means_VD), opens_1V, gradient) } -> std::same_as<Matrix<Accum<Value>, B>>;
  { source.empty_tree() } -> std::same_as<S>;
};

/// A source that routes all first segments by one identical row.
template <class S>
concept SharesFirstRow = requires {
  requires S::shares_first_row;
};

}  // namespace moe
