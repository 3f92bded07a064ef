#pragma once

#include <vector>

#include "moe/core/index.hpp"

namespace moe {

/// The segments (windows) of a batch (eq. 3): segment v has rows [begin[v], begin[v+1]), all of one sequence.
struct Segments {
  /// V + 1 entries, from 0 to T.
  std::vector<Index> begin;
  /// For each segment: 1 if it is the first of its sequence, otherwise 0.
  std::vector<Index> opens_sequence;
  /// For each row: its segment.
  std::vector<Index> of_row;

  Index count() const { return static_cast<Index>(opens_sequence.size()); }
};

}  // namespace moe
