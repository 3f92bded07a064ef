/// What `moe_bench run` measures, and what came of it.
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
  /// Seconds that the timed passes of a repetition go on for, in as many iterations as it takes.
  double repetition_seconds = 0.02;
  /// Threads of computation, on the CPU.
  int threads = 1;

  /// Four sequences where there are rows enough, as long as one another but for the last one's remainder.
  std::vector<Index> lengths() const {
    const Index count = std::min<Index>(4, shape.rows);
    std::vector<Index> lengths(static_cast<std::size_t>(count), shape.rows / count);
    lengths.back() += shape.rows % count;
    return lengths;
  }
  /// What strategies are built with. Windows are 64 in a batch where that leaves them 4 rows, as the paper has them.
  Sizes sizes() const {
    return {shape.width, shape.hidden, shape.experts, shape.chosen, std::max<Index>(4, shape.rows / 64), 4};
  }
};

/// What can be said of a strategy that routes. Loads and gates are those of training, changes those of inference.
struct RoutingResult {
  Index experts = 0;
  Balance balance;
  double dropped = 0, unserved = 0, experts_per_row = 0, gate_entropy = 0;
  /// Of the decisions on rows before a cut, those that change when the rows behind it are removed.
  double flips = 0;
  /// Of the decisions on a sequence, those that change when other sequences stand before it in the batch, one of them a
  /// row shorter.
  double mate_sensitivity = 0;
};

struct StrategyResult {
  std::string name;
  int repetitions = 0;
  /// Of the layer: experts, routers and what stands beside them.
  Index parameters = 0;
  /// Seconds of a pass, over the repetitions; `both` is forward and then backward.
  Spread forward, backward, both;
  /// Seconds of each phase, from passes of their own.
  std::array<Spread, phase_names.size()> forward_phases, backward_phases;
  /// Rows trained on in a second.
  double tokens_per_second = 0;
  /// Of all products, forward and backward, with the rows that experts got.
  double flops = 0;
  /// FLOPs a second as a share of those of the strategy "dense".
  std::optional<double> of_dense;
  /// Memory of a forward and a backward pass: what is kept between them, temporaries and results, but no weights and no
  /// gradients of weights.
  Index peak_bytes = 0;
  std::optional<RoutingResult> routing;
};

/// Told which strategy's turn it is; round 0 warms up.
using Progress = std::function<void(int round, const std::string& name)>;

/// Names, rules and traits: what `moe_bench list` shows.
struct StrategyInfo {
  std::string name, routing;
  bool is_causal = false, is_batch_invariant = false;
};

/// The strategies of the suite on the CPU.
std::vector<StrategyInfo> list_strategies();
/// Strategies by their names, which exist, in turns, and "dense" first whether it is named or not.
std::vector<StrategyResult> run_on_cpu(const std::vector<std::string>& names, const RunPlan& plan,
                                       const Progress& progress);
/// The same on the GPU. Throws Error where there is none, or where the program was built without CUDA.
std::vector<StrategyResult> run_on_cuda(const std::vector<std::string>& names, const RunPlan& plan,
                                        const Progress& progress);
/// Whether run_on_cuda is more than an error.
bool built_with_cuda();

}  // namespace moe_bench
