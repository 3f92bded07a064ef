#pragma once

#include <cstdint>

#include "moe/core/index.hpp"

namespace moe {

/// Windows of `window` rows that do not overlap; what is left at a sequence's end is a shorter window of its own.
struct FixedWindow {
  /// a: rows of a window.
  Index window = 64;

  /// Whether a segment of `length` rows is full.
  bool ends_after(Index length, std::int32_t /*token*/) const { return length >= window; }
};

}  // namespace moe
