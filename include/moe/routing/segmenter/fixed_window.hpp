#pragma once

#include <cstdint>

#include "moe/core/index.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Non-overlapping windows of `window` rows; the remaining rows of a sequence form a shorter last window.
struct FixedWindow {
  /// Number of rows of a window, a.
  Index window = 64;

  /// Throws Error for a window below 1 row.
  void require_fits() const { require(window >= 1, "FixedWindow", "a window must have at least 1 row, got ", window); }

  /// Whether a segment of `length` rows is full.
  bool ends_after(Index length, std::int32_t /*token*/) const { return length >= window; }
};

}  // namespace moe
