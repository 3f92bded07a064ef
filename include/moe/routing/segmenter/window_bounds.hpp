#pragma once

#include <string_view>

#include "moe/core/index.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Throws Error for a minimum or maximum below 1; for segmenters whose window length depends on the tokens.
inline void require_window_bounds(std::string_view where, Index minimum, Index maximum) {
  require(minimum >= 1 && maximum >= 1, where, "a window must have at least 1 row, got a minimum of ", minimum,
          " and a maximum of ", maximum);
}

}  // namespace moe
