/// Rows in groups, each group with its own weight matrix, for tests of products.
#pragma once

#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "support/random_tensors.hpp"

namespace moe::testing {

/// Groups of 3, 0, 300 and 1 rows: a few, none, more than a tile, and a single one.
inline const std::vector<Index> offsets = {0, 3, 3, 303, 304};
inline constexpr Index in = 5, out = 260;

inline Index group_of(Index row) { return row < 3 ? 0 : row < 303 ? 2 : 3; }

}  // namespace moe::testing
