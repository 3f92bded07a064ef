#pragma once

#include <algorithm>

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"

namespace moe::gpu {

/// The smaller of two.
MOE_HOST_DEVICE inline Index smaller(Index a, Index b) { return a < b ? a : b; }

/// How a sum over many rows is cut: into at most 64 blocks of at least 64 rows, by the number of rows alone.
struct RowBlocks {
  /// Rows of all, rows of a block, blocks.
  Index rows, length, count;

  explicit RowBlocks(Index rows_)
      : rows(rows_), length(std::max<Index>(64, (rows + 63) / 64)), count((rows + length - 1) / length) {}
  /// The first row of a block.
  MOE_HOST_DEVICE Index begin(Index block) const { return block * length; }
  /// The row after its last.
  MOE_HOST_DEVICE Index end(Index block) const { return smaller(rows, (block + 1) * length); }
};

}  // namespace moe::gpu
