#pragma once

#include <vector>

#include "moe/core/index.hpp"

namespace moe {

/// The windows a batch is cut into (eq. 3): segment v holds rows [begin[v], begin[v+1]); none straddles two sequences.
struct Segments {
  /// V + 1 entries, from 0 to T.
  std::vector<Index> begin;
  /// For each segment: 1 when it is its sequence's first.
  std::vector<Index> opens_sequence;
  /// For each row: the segment it lies in.
  std::vector<Index> of_row;

  Index count() const { return static_cast<Index>(opens_sequence.size()); }
};

}  // namespace moe
