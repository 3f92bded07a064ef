#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "moe/core/random.hpp"
#include "moe/core/require.hpp"
#include "moe/core/row.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// Throws Error unless there is a key for what `part` of a layer draws in training.
inline void require_random_key(bool is_there, std::string_view part) {
  require(is_there, "forward", part,
          " draws random numbers in training, and the batch has no key for them: set batch.random = {.seed = ..., "
          ".step = ...}, with another step for every forward");
}

/// What a row router may know of a row beside its logits. `token` and `language` are -1 where the batch does not say;
/// decoding says tokens only, but for a layer whose state takes languages. `row` is the place within the call: it
/// changes with the batch neighbors. `buffer_E` is the layer's buffer for its router: thresholds, biases; empty where
/// there is none.
template <class Real>
struct RowContext {
  /// Place within the call, from 0.
  Index row = 0;
  /// Token id, or -1.
  std::int32_t token = -1;
  /// Language, or -1.
  std::int32_t language = -1;
  /// The layer's buffer for its router, or empty.
  Row<const Real> buffer_E{};
};

/// The same for a router that draws random numbers. A router that asks for this type is thereby known to draw: in
/// training it needs a batch with a random key.
template <class Real>
struct RandomRowContext : RowContext<Real> {
  /// What random numbers are drawn from. An index of row * experts + expert gives each pair a number of its own.
  RandomKey random{};
};

/// What a matrix router may know beside its rows' logits.
template <class B>
struct RowsContext {
  /// 1 for the rows that are one and the same, as the first segments of all sequences may be; empty where there are no
  /// two of them. A choice among them would be by their place in the batch, so an expert takes all of them or none.
  View<const Index, B> alike_1R{};
  /// What random numbers are drawn from; nothing in training by a batch without a key.
  std::optional<RandomKey> key{};

  /// The key. Throws Error where there is none.
  RandomKey random() const {
    require_random_key(key.has_value(), "the router");
    return *key;
  }
};

}  // namespace moe
