#pragma once

#include <concepts>

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"

namespace moe {

/// The threads that share the work on one row, as seen by one of them: it processes the values rank(), rank() + size(),
/// ... of the row. Each backend defines its team; this is the team of a single thread.
struct TeamOfOne {
  /// Number of this thread in the team, from 0.
  MOE_HOST_DEVICE static constexpr Index rank() { return 0; }
  /// Number of threads.
  MOE_HOST_DEVICE static constexpr Index size() { return 1; }
  /// Sum of the threads' values, in a fixed order, returned to every thread. All threads of the team must call it.
  template <class Number>
  MOE_HOST_DEVICE static constexpr Number sum(Number own) {
    return own;
  }
  /// The same with another function of two values, whose result must not depend on their order.
  template <class Own, class Combine>
  MOE_HOST_DEVICE static constexpr Own fold(Own own, const Combine& /*combine*/) {
    return own;
  }
};

/// A team of threads that share the work on one row.
template <class T>
concept RowTeam = requires(const T& team, float own) {
  { team.rank() } -> std::convertible_to<Index>;
  { team.size() } -> std::convertible_to<Index>;
  { team.sum(own) } -> std::same_as<float>;
};

}  // namespace moe
