/// What the processes of a training run send each other, computed before anything is allocated. Calls and bytes are
/// those of the counters of moe::Ranks, to the byte.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/adamw_precision.hpp"
#include "multipl_moe/model/expert_spread.hpp"
#include "multipl_moe/model/model_dtype.hpp"
#include "multipl_moe/train/memory_plan.hpp"
#include "multipl_moe/train/planned_exchange.hpp"

namespace multipl_moe {

/// What the exchanges of a run depend on, beside its model.
struct DealtRun {
  int processes = 1;
  std::int64_t micro_batches = 1;  ///< of a step, of all processes
  std::int64_t slots = 1;          ///< of all processes
  AdamWPrecision precision{};
  ModelDtype dtype = ModelDtype::float32;
  std::int64_t held_out_languages = 0;  ///< that evaluations score
  ExpertPlacement placement = ExpertPlacement::everywhere;
  std::int64_t tokens = 1;     ///< of a micro-batch
  bool is_recomputed = false;  ///< whether backward repeats forward (--gradient-checkpointing)
};

/// The exchanges of a run in several processes; none for one process.
struct ExchangePlan {
  std::vector<PlannedExchange> start;   ///< before the first step
  std::vector<PlannedExchange> resume;  ///< beside these, of a run that is resumed
  std::vector<PlannedExchange> step;    ///< of a step whose loads of experts are reported
  /// After a step whose weights are evaluated on held-out text; without the rows of spread experts.
  std::vector<PlannedExchange> evaluation;
  std::vector<PlannedExchange> save;  ///< of a checkpoint
  ProcessPart part;                   ///< what the process with the most optimizer state has in memory
  double busiest = 1;                 ///< computation of the process that has most of it, over the mean
};

/// `trains` selects the weights that train by name. Rows of spread experts are those of spread_layers(). Recorded
/// choices that are replayed (--replay-routing) make the update of buffers smaller by 4 bytes for each expert that has
/// a threshold.
ExchangePlan exchange_plan(const ModelConfig& config, const std::function<bool(std::string_view)>& trains,
                           const DealtRun& run);

}  // namespace multipl_moe
