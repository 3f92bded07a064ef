#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "moe/core/phase.hpp"

namespace moe_bench {

/// In the order of moe::Phase.
inline constexpr std::array<std::string_view, 5> phase_names{"router", "fusion", "dispatch", "experts", "combine"};
using PhaseSeconds = std::array<double, phase_names.size()>;

/// Sorts time by the phase that was entered last. Time before the first one belongs to none.
class PhaseWatch {
 public:
  /// From here on, in no phase yet.
  void begin() {
    current_.reset();
    last_ = Clock::now();
  }
  void enter(moe::Phase phase) {
    settle();
    current_ = static_cast<std::size_t>(phase);
  }
  /// The seconds of each phase since begin.
  PhaseSeconds end() {
    settle();
    current_.reset();
    return std::exchange(seconds_, {});
  }

 private:
  using Clock = std::chrono::steady_clock;
  void settle() {
    const Clock::time_point now = Clock::now();
    if (current_) seconds_[*current_] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }

  Clock::time_point last_ = Clock::now();
  std::optional<std::size_t> current_;
  PhaseSeconds seconds_{};
};

}  // namespace moe_bench
