#pragma once

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"

namespace moe {

/// The threads that share the work on one row, seen by one of them: it takes the values rank(), rank() + size(), ... of
/// the row. Backends say which team they have; this is the team of a thread that works alone.
struct TeamOfOne {
  /// Which of the threads this is, from 0.
  MOE_HOST_DEVICE static constexpr Index rank() { return 0; }
  /// Number of threads.
  MOE_HOST_DEVICE static constexpr Index size() { return 1; }
  /// The threads' values added up, in one order, for every thread. All of them ask at once.
  template <class Number>
  MOE_HOST_DEVICE static constexpr Number sum(Number own) {
    return own;
  }
};

}  // namespace moe
