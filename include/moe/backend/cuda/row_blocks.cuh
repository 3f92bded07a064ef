#pragma once

#include <algorithm>

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"

namespace moe::gpu {

/// The smaller of a and b.
MOE_HOST_DEVICE inline Index smaller(Index a, Index b) { return a < b ? a : b; }

/// Partition of a sum over rows into at most 64 blocks of at least 64 rows; it depends on the number of rows alone.
struct RowBlocks {
  /// Total number of rows, rows per block, number of blocks.
  Index rows, length, count;

  explicit RowBlocks(Index rows_)
      : rows(rows_), length(std::max<Index>(64, (rows + 63) / 64)), count((rows + length - 1) / length) {}
  /// The first row of a block.
  MOE_HOST_DEVICE Index begin(Index block) const { return block * length; }
  /// The row after the last row of a block.
  MOE_HOST_DEVICE Index end(Index block) const { return smaller(rows, (block + 1) * length); }
};

}  // namespace moe::gpu
