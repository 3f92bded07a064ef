#pragma once

#include <concepts>
#include <cstdint>

#include "moe/core/index.hpp"

namespace moe {

/// A segmenter without state, which cuts a sequence into segments row by row: `ends_after(length, token)` returns
/// whether a segment of `length` rows ends with its last row, whose token id is `token`. It is called in row order,
/// both for whole sequences and in decoding, so no boundary depends on a later row. `token` is -1 if the batch has no
/// token ids.
template <class S>
concept PlainSegmenter = requires(const S& segmenter, Index length, std::int32_t token) {
  { segmenter.ends_after(length, token) } -> std::same_as<bool>;
};

/// A segmenter with a State for each sequence, initialized as State{}, and a table of S::features numbers per token,
/// which the layer stores as a buffer. For each row `starts_before` is called before `read`: the row's own token may
/// decide that the row starts a segment, and it is known only when the row is processed. `token` points to the token's
/// numbers; nullptr for an unknown token.
///
///   starts_before(state, length, token)   whether this row starts a segment after one of `length` rows, at least 1
///   read(state, token)                    updates the state with this row
template <class S>
concept StatefulSegmenter = requires(const S& segmenter, typename S::State state, const typename S::State& before,
                                     Index length, const float* token) {
  { S::features } -> std::convertible_to<Index>;
  { segmenter.starts_before(before, length, token) } -> std::same_as<bool>;
  segmenter.read(state, token);
};

/// A segmenter, with or without state.
template <class S>
concept Segmenter = PlainSegmenter<S> || StatefulSegmenter<S>;

/// The state of a segmenter that has none.
struct NoSegmenterState {};
namespace detail {
template <class S>
struct StateOfSegmenter {
  using type = NoSegmenterState;
};
template <StatefulSegmenter S>
struct StateOfSegmenter<S> {
  using type = typename S::State;
};
}  // namespace detail
/// A segmenter's state for one sequence.
template <class S>
using SegmenterState = typename detail::StateOfSegmenter<S>::type;

}  // namespace moe
