#pragma once

#include <algorithm>

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"

namespace moe::gpu {

/// The smaller of two.
MOE_HOST_DEVICE inline Index smaller(Index a, Index b) { return a < b ? a : b; }

/// How a sum over many rows is cut: into at most 64 pieces of at least 64 rows, by the number of rows alone.
struct Pieces {
  /// Rows of all, rows of a piece, pieces.
  Index rows, length, count;

  explicit Pieces(Index rows_)
      : rows(rows_), length(std::max<Index>(64, (rows + 63) / 64)), count((rows + length - 1) / length) {}
  /// The first row of a piece.
  MOE_HOST_DEVICE Index begin(Index piece) const { return piece * length; }
  /// The row after its last.
  MOE_HOST_DEVICE Index end(Index piece) const { return smaller(rows, (piece + 1) * length); }
};

}  // namespace moe::gpu
