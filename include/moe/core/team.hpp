#pragma once

#include <concepts>

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
  /// The same for another way to make one value of two, which must not care for their order.
  template <class Own, class Combine>
  MOE_HOST_DEVICE static constexpr Own fold(Own own, const Combine& /*combine*/) {
    return own;
  }
};

/// What rows are shared by.
template <class T>
concept RowTeam = requires(const T& team, float own) {
  { team.rank() } -> std::convertible_to<Index>;
  { team.size() } -> std::convertible_to<Index>;
  { team.sum(own) } -> std::same_as<float>;
};

}  // namespace moe
