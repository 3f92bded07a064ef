/// Rows in groups, each with a weight of its own, for the tests of products.
#pragma once

#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "support/random_tensors.hpp"

namespace moe::testing {

/// Groups of 3, 0, 300 and 1 rows: none, a few, more than a tile, and one alone.
inline const std::vector<Index> offsets = {0, 3, 3, 303, 304};
inline constexpr Index in = 5, out = 260;

inline Index group_of(Index row) { return row < 3 ? 0 : row < 303 ? 2 : 3; }

}  // namespace moe::testing
