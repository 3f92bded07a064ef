#pragma once

#include "moe/core/index.hpp"

namespace moe {

/// Weights in 8 bits, as pack_weights stores copies on request. `size` neighbors in a row of the weight form a group,
/// the last one of a row being shorter; a group has one scale s, which is a bfloat16 value, and each weight w becomes
/// q s with q = round(w / s), an integer from -127 to 127. s is the largest |w| of the group over 127, rounded up to
/// bfloat16, so |w - q s| <= s / 2. Every q s is a float exactly.
struct Int8Groups {
  /// Weights that share a scale.
  static constexpr Index size = 32;
  /// The largest |q|.
  static constexpr Index largest = 127;
  /// Bytes of `rows` groups with their scales.
  static constexpr Index bytes(Index rows) { return rows * (size + 2); }
  /// Groups of a row of `cols` weights.
  static constexpr Index count(Index cols) { return (cols + size - 1) / size; }
};

}  // namespace moe
