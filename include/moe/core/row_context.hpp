#pragma once

#include <cstdint>

#include "moe/core/random.hpp"
#include "moe/core/row.hpp"

namespace moe {

/// What a row router may know of a row beside its logits. `token` and `language` are -1 where the batch does not say;
/// decoding says tokens only, but for a layer whose state takes languages. `row` is the place within the call: it
/// changes with the batch mates. `buffer_E` is the layer's buffer for its router: thresholds, biases; empty where there
/// is none.
template <class Real>
struct RowContext {
  /// Place within the call, from 0.
  Index row = 0;
  /// Token id, or -1.
  std::int32_t token = -1;
  /// Language, or -1.
  std::int32_t language = -1;
  /// What random numbers are drawn from.
  RandomKey random{};
  /// The layer's buffer for its router, or empty.
  Row<const Real> buffer_E{};
};

}  // namespace moe
