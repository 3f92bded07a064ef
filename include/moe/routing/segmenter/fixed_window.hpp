#pragma once

#include <cstdint>

#include "moe/core/index.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Windows of `window` rows that do not overlap; what is left at a sequence's end is a shorter window of its own.
struct FixedWindow {
  /// a: rows of a window.
  Index window = 64;

  /// Throws Error for a window of no rows.
  void require_fits() const { require(window >= 1, "FixedWindow", "a window must have at least 1 row, got ", window); }

  /// Whether a segment of `length` rows is full.
  bool ends_after(Index length, std::int32_t /*token*/) const { return length >= window; }
};

}  // namespace moe
