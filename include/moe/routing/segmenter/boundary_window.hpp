#pragma once

#include <cstdint>

#include "moe/core/index.hpp"
#include "moe/core/require.hpp"
#include "moe/routing/segmenter/window_bounds.hpp"

namespace moe {

/// Windows that end after the token `boundary`, for example a newline, if they have at least `minimum` rows, and at
/// `maximum` rows at the latest: segments that follow the structure of the text, which the paper names as future work.
/// With minimum = maximum it is FixedWindow. Needs token ids; a batch without them is cut at `maximum`.
struct BoundaryWindow {
  /// Token id; 10 is a newline in bytes.
  std::int32_t boundary = 10;
  /// Minimum number of rows of a window that ends at the boundary token.
  Index minimum = 16;
  /// Maximum number of rows of a window.
  Index maximum = 128;

  /// Throws Error for a minimum or maximum below 1 and for a boundary that is not a token id. If the minimum is above
  /// the maximum, no token ends a window.
  void require_fits() const {
    require_window_bounds("BoundaryWindow", minimum, maximum);
    require(boundary >= 0, "BoundaryWindow", "the boundary must be a token id, got ", boundary);
  }

  /// Whether a segment of `length` rows ends with this token.
  bool ends_after(Index length, std::int32_t token) const {
    return length >= maximum || (token == boundary && length >= minimum);
  }
};

}  // namespace moe
