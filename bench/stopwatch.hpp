/// Where the time of a layer goes: the parts of a run, and a watch that sorts time by part.
#pragma once

#include <array>
#include <chrono>
#include <string_view>

#include "benchmark/benchmark.h"
#include "moe/core/phase.hpp"

namespace moe_bench {

/// The parts of a layer's run: the library's phases forward, and in reverse backward.
enum class Part {
  router,         // segments and what they are routed by, logits, choice, gates, losses
  fusion,         // both levels' gates, scaled and side by side
  dispatch,       // sorting the pairs by expert, their gates, copying the rows to them
  experts,        // products and SwiGLU
  combine,        // gate-weighted sum of the answers
  combine_back,   // gradients of answers and gates
  experts_back,   //
  dispatch_back,  // sum of the rows' gradients
  fusion_back,    // gradients of each level's gates
  router_back,    // gates, losses, projection, segments
};
inline constexpr std::array<std::string_view, 10> part_names{
    "router",       "fusion",       "dispatch",      "experts",     "combine",
    "combine_back", "experts_back", "dispatch_back", "fusion_back", "router_back",
};

/// The part that a phase is, forward or backward.
inline Part part_of(moe::Phase phase, bool backward) {
  const auto forward = static_cast<std::size_t>(phase);
  return static_cast<Part>(backward ? part_names.size() - 1 - forward : forward);
}

/// Adds up time by part over all iterations of a benchmark.
class Stopwatch {
 public:
  /// An iteration begins, forward; time belongs to no part until one begins.
  void start() {
    running_ = backward_ = false;
    last_ = Clock::now();
  }
  /// From here on phases are those of a backward pass. The one under way ends.
  void turn_back() {
    stop();
    backward_ = true;
  }
  /// From now on time belongs to this phase.
  void begin(moe::Phase phase) {
    stop();
    part_ = static_cast<std::size_t>(part_of(phase, backward_));
    running_ = met_[part_] = true;
  }
  /// The phase under way ends.
  void stop() {
    const Clock::time_point now = Clock::now();
    if (running_) seconds_[part_] += std::chrono::duration<double>(now - last_).count();
    running_ = false;
    last_ = now;
  }
  /// Seconds an iteration, as a counter for each part that was met.
  void report(benchmark::State& state) const {
    for (std::size_t i = 0; i < part_names.size(); ++i)
      if (met_[i])
        state.counters[std::string(part_names[i])] =
            benchmark::Counter(seconds_[i], benchmark::Counter::kAvgIterations);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
  std::size_t part_ = 0;
  bool running_ = false, backward_ = false;
  std::array<double, part_names.size()> seconds_{};
  std::array<bool, part_names.size()> met_{};
};

}  // namespace moe_bench
