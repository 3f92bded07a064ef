#pragma once

#include <concepts>
#include <cstdint>

#include "moe/core/index.hpp"

namespace moe {

/// Cuts a sequence into segments, one row after the other: `ends_after(length, token)` says whether a segment that has
/// grown to `length` rows ends with this row. Asked in order, it serves whole sequences and decoding alike, and no
/// boundary can depend on a later row. `token` is -1 where the batch carries no token ids.
template <class S>
concept Segmenter = requires(const S& segmenter, Index length, std::int32_t token) {
  { segmenter.ends_after(length, token) } -> std::same_as<bool>;
};

}  // namespace moe
