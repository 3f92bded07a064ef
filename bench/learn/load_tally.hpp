/// Counts what an observer is told of, level by level.
#pragma once

#include <vector>

#include "bench/learn/record.hpp"
#include "moe/core/observation.hpp"

namespace moe_bench {

class LoadTally {
 public:
  /// One call of one level: a batch.
  void add(const moe::Observation& seen);
  /// All levels since the last call, in the order in which they were met, and starts over.
  std::vector<LevelLoad> take();

 private:
  struct Counted {
    LevelLoad sum;
    std::int64_t batches = 0;
  };
  std::vector<Counted> levels_;
};

}  // namespace moe_bench
