#pragma once

#include <string_view>

#include "moe/core/index.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Throws Error for windows of no rows, whose length is not known before the tokens are.
inline void require_window_bounds(std::string_view where, Index minimum, Index maximum) {
  require(minimum >= 1 && maximum >= 1, where, "a window must have at least 1 row, got a minimum of ", minimum,
          " and a maximum of ", maximum);
}

}  // namespace moe
