#pragma once

#include <concepts>
#include <cstdint>

#include "moe/core/index.hpp"

namespace moe {

/// Cuts a sequence into segments, one row after the other, and keeps nothing in mind: `ends_after(length, token)` says
/// whether a segment that has grown to `length` rows ends with this row. Asked in order, it serves whole sequences and
/// decoding alike, and no boundary can depend on a later row. `token` is -1 where the batch carries no token ids.
template <class S>
concept PlainSegmenter = requires(const S& segmenter, Index length, std::int32_t token) {
  { segmenter.ends_after(length, token) } -> std::same_as<bool>;
};

/// A segmenter that keeps a State for each sequence, begun as State{}, and reads what a table says of each token: S::
/// features numbers, which the layer keeps as a buffer. A row is asked about before it is read, and its own token may
/// decide that it starts a segment: that is known when the row comes. `token` points to the token's numbers; nullptr
/// for a token that is unknown.
///
///   starts_before(state, length, token)   whether a segment that has grown to `length` rows, at least 1, is over
///   read(state, token)                    the state after the row
template <class S>
concept StatefulSegmenter = requires(const S& segmenter, typename S::State state, const typename S::State& before,
                                     Index length, const float* token) {
  { S::features } -> std::convertible_to<Index>;
  { segmenter.starts_before(before, length, token) } -> std::same_as<bool>;
  segmenter.read(state, token);
};

/// Cuts sequences, with a state or without.
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
/// What a segmenter keeps for each sequence.
template <class S>
using SegmenterState = typename detail::StateOfSegmenter<S>::type;

}  // namespace moe
