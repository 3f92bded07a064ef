/// Where the time of a layer goes: the parts of a run, and a watch that sorts time by part.
#pragma once

#include <array>
#include <chrono>
#include <string_view>

#include "benchmark/benchmark.h"

namespace moe_bench {

/// The parts of a layer's run, in the order in which forward and then backward meet them.
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

/// Adds up time by part over all iterations of a benchmark.
class Stopwatch {
 public:
  /// Time that passed since the last call belongs to no part.
  void start() { last_ = Clock::now(); }
  /// Time that passed since the last call belongs to `part`.
  void lap(Part part) {
    const Clock::time_point now = Clock::now();
    const auto at = static_cast<std::size_t>(part);
    seconds_[at] += std::chrono::duration<double>(now - last_).count();
    met_[at] = true;
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
  std::array<double, part_names.size()> seconds_{};
  std::array<bool, part_names.size()> met_{};
};

}  // namespace moe_bench
