/// Sums up the loads in observations, level by level.
#pragma once

#include <vector>

#include "bench/learn/record.hpp"
#include "moe/core/observation.hpp"

namespace moe_bench {

class LoadTally {
 public:
  /// Adds one observation: one level of one batch.
  void add(const moe::Observation& seen);
  /// Returns all levels since the last call, in the order of their first observations, and starts over.
  std::vector<LevelLoad> take();

 private:
  struct Counted {
    LevelLoad sum;
    std::int64_t batches = 0;
  };
  std::vector<Counted> levels_;
};

}  // namespace moe_bench
