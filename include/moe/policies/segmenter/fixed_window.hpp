#pragma once

#include <cstdint>

#include "moe/core/index.hpp"

namespace moe {

/// Windows of `window` rows that do not overlap; what is left at a sequence's end is a shorter window of its own.
struct FixedWindow {
  Index window = 64;

  bool ends_after(Index length, std::int32_t /*token*/) const { return length >= window; }
};

}  // namespace moe
