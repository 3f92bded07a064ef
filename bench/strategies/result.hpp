/// Plan and results of `moe_bench run`.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/phase_watch.hpp"
#include "bench/shapes.hpp"
#include "bench/spread.hpp"
#include "bench/strategies/decisions.hpp"
#include "bench/strategies/inputs.hpp"
#include "bench/strategies/strategy.hpp"

namespace moe_bench {

struct RunPlan {
  Shape shape;
  Input input = Input::iid;
  int repetitions = 5;
  /// Minimum seconds of the timed passes of a repetition, which are iterated to reach it.
  double repetition_seconds = 0.02;
  /// Number of CPU threads.
  int threads = 1;

  /// Lengths of four sequences, or fewer for fewer rows; equal except for the remainder in the last one.
  std::vector<Index> lengths() const {
    const Index count = std::min<Index>(4, shape.rows);
    std::vector<Index> lengths(static_cast<std::size_t>(count), shape.rows / count);
    lengths.back() += shape.rows % count;
    return lengths;
  }
  /// The sizes of the strategies. There are 64 windows per batch, as in the paper, or fewer with at least 4 rows each.
  Sizes sizes() const {
    return {shape.width, shape.hidden, shape.experts, shape.chosen, std::max<Index>(4, shape.rows / 64), 4};
  }
};

/// Statistics of a strategy's routing. Loads and gates are those of training, flips and neighbor_sensitivity of
/// inference.
struct RoutingResult {
  Index experts = 0;
  Balance balance;
  double dropped = 0, unserved = 0, experts_per_row = 0, gate_entropy = 0;
  /// Share of the decisions on rows before a cut that change when the rows after it are removed.
  double flips = 0;
  /// Share of the decisions on a sequence that change with other batch neighbors before it, one of them a row shorter.
  double neighbor_sensitivity = 0;
};

struct StrategyResult {
  std::string name;
  int repetitions = 0;
  /// Parameters of the layer: experts, routers and all others.
  Index parameters = 0;
  /// Seconds per pass, over the repetitions; `both` is forward and backward together.
  Spread forward, backward, both;
  /// Seconds of each phase, from separate passes.
  std::array<Spread, phase_names.size()> forward_phases, backward_phases;
  /// Rows per second, forward and backward together.
  double tokens_per_second = 0;
  /// FLOPs of all products, forward and backward, counted for the rows that experts process.
  double flops = 0;
  /// FLOPs per second as a share of those of the strategy "dense".
  std::optional<double> of_dense;
  /// Bytes of memory for a forward and a backward pass: saved activations, temporaries and results, without weights and
  /// their gradients.
  Index peak_bytes = 0;
  std::optional<RoutingResult> routing;
};

/// Called with the strategy that is measured next; round 0 is a warm-up.
using Progress = std::function<void(int round, const std::string& name)>;

/// Name, routing and properties of a strategy, as shown by `moe_bench list`.
struct StrategyInfo {
  std::string name, routing;
  bool is_causal = false, is_batch_invariant = false;
};

/// The strategies of the suite on the CPU.
std::vector<StrategyInfo> list_strategies();
/// Runs the named strategies, which must exist, in rounds; "dense" runs first, even if it is not named.
std::vector<StrategyResult> run_on_cpu(const std::vector<std::string>& names, const RunPlan& plan,
                                       const Progress& progress);
/// The same on the GPU. Throws Error if there is none, or if the program was built without CUDA.
std::vector<StrategyResult> run_on_cuda(const std::vector<std::string>& names, const RunPlan& plan,
                                        const Progress& progress);
/// Whether the program was built with CUDA, which run_on_cuda() requires.
bool built_with_cuda();

}  // namespace moe_bench
