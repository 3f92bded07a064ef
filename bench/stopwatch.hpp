/// The parts of a layer's run, and a stopwatch that measures time by part.
#pragma once

#include <array>
#include <string_view>

#include "bench/phase_watch.hpp"
#include "benchmark/benchmark.h"
#include "moe/core/phase.hpp"

namespace moe_bench {

/// The parts of a layer's run: the library's phases in the forward pass, and in reverse order in the backward pass.
enum class Part {
  router,             // segments and their routing inputs, logits, choice, gates, losses
  fusion,             // both levels' gates, scaled and side by side
  dispatch,           // sorting the pairs by expert, their gates, copying the rows to them
  experts,            // products and SwiGLU
  combine,            // gate-weighted sum of the outputs
  combine_backward,   // gradients of outputs and gates
  experts_backward,   //
  dispatch_backward,  // sum of the rows' gradients
  fusion_backward,    // gradients of each level's gates
  router_backward,    // gates, losses, projection, segments
};
inline constexpr std::array<std::string_view, 10> part_names{
    "router",           "fusion",           "dispatch",          "experts",         "combine",
    "combine_backward", "experts_backward", "dispatch_backward", "fusion_backward", "router_backward",
};

/// Sums up time by part over all iterations of a benchmark.
class Stopwatch {
 public:
  /// Begins an iteration, in the forward pass.
  void start() {
    backward_ = false;
    watch_.begin();
  }
  /// Ends the current phase; later phases are those of the backward pass.
  void turn_back() {
    stop();
    backward_ = true;
    watch_.begin();
  }
  /// To be called by the context's phase listener.
  void hear(moe::Phase phase, moe::PhaseEdge edge) { watch_.hear(phase, edge); }
  /// Ends the current phase.
  void stop() {
    const PhaseSeconds seconds = watch_.end();
    for (std::size_t p = 0; p < seconds.size(); ++p) seconds_[backward_ ? seconds_.size() - 1 - p : p] += seconds[p];
  }
  /// Reports the seconds per iteration of each part that occurred, as counters.
  void report(benchmark::State& state) const {
    for (std::size_t i = 0; i < part_names.size(); ++i)
      if (seconds_[i] > 0)
        state.counters[std::string(part_names[i])] =
            benchmark::Counter(seconds_[i], benchmark::Counter::kAvgIterations);
  }

 private:
  PhaseWatch watch_;
  bool backward_ = false;
  std::array<double, part_names.size()> seconds_{};
};

}  // namespace moe_bench
