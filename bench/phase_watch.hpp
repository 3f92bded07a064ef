#pragma once

#include <array>
#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/phase.hpp"

namespace moe_bench {

/// Names of the phases, in the order of moe::Phase.
inline constexpr std::array<std::string_view, 5> phase_names{"router", "fusion", "dispatch", "experts", "combine"};
using PhaseSeconds = std::array<double, phase_names.size()>;

/// Measures time by phase. If phases nest, time counts for the innermost one; time outside of all phases is not
/// counted.
class PhaseWatch {
 public:
  /// Starts to measure, outside of all phases.
  void begin() {
    open_.clear();
    last_ = Clock::now();
  }
  void hear(moe::Phase phase, moe::PhaseEdge edge) {
    settle();
    if (edge == moe::PhaseEdge::begin)
      open_.push_back(static_cast<std::size_t>(phase));
    else if (!open_.empty())
      open_.pop_back();
  }
  /// Returns the seconds of each phase since begin().
  PhaseSeconds end() {
    settle();
    open_.clear();
    return std::exchange(seconds_, {});
  }

 private:
  using Clock = std::chrono::steady_clock;
  void settle() {
    const Clock::time_point now = Clock::now();
    if (!open_.empty()) seconds_[open_.back()] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

  Clock::time_point last_ = Clock::now();
  std::vector<std::size_t> open_;
  PhaseSeconds seconds_{};
};

}  // namespace moe_bench
