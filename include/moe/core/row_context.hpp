#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "moe/core/random.hpp"
#include "moe/core/require.hpp"
#include "moe/core/row.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// Throws Error unless there is a key for the random numbers that `part` of a layer draws in training.
inline void require_random_key(bool is_there, std::string_view part) {
  require(is_there, "forward", part,
          " draws random numbers in training, and the batch has no key for them: set batch.random = {.seed = ..., "
          ".step = ...}, with another step for every forward");
}

/// Data about a row that is available to a row router besides its logits. `token` and `language` are -1 if the batch
/// does not have them; decoding has tokens only, except for a layer whose state takes languages. `row` is the index
/// within the call, so it depends on the batch neighbors. `buffer_E` is the layer's buffer for its router (thresholds
/// or biases), empty if there is none.
template <class Real>
struct RowContext {
  /// Index within the call, from 0.
  Index row = 0;
  /// Token id, or -1.
  std::int32_t token = -1;
  /// Index of the programming language, as in Batch::languages, or -1.
  std::int32_t language = -1;
  /// The layer's buffer for its router, or empty.
  Row<const Real> buffer_E{};
};

/// The same for a router that draws random numbers. A router whose choose() takes this type counts as a random router:
/// in training it needs a batch with a random key.
template <class Real>
struct RandomRowContext : RowContext<Real> {
  /// Key of the random numbers. Index row * experts + expert gives each pair its own number.
  RandomKey random{};
};

/// Data that is available to a matrix router besides the logits of its rows.
template <class B>
struct RowsContext {
  /// 1 for rows that are identical to each other, as the first segments of all sequences may be; empty if there are
  /// fewer than two. A selection among identical rows would depend on their position in the batch, so an expert takes
  /// all of them or none.
  View<const Index, B> identical_1R{};
  /// Key of the random numbers; none in training with a batch without a key.
  std::optional<RandomKey> key{};

  /// The key. Throws Error if there is none.
  RandomKey random() const {
    require_random_key(key.has_value(), "the router");
    return *key;
  }
};

}  // namespace moe
