/// Experts that are spread over the processes of a run that is planned: which process has them, and the rows that
/// travel to them.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/expert_spread.hpp"
#include "multipl_moe/model/model_dtype.hpp"
#include "multipl_moe/train/planned_exchange.hpp"

namespace multipl_moe {

/// For each of list_tensors(): the process that alone has it, or moe::Placement::everywhere.
std::vector<int> homes_of_tensors(const ModelConfig& config, ExpertPlacement placement, int processes);

/// A micro-batch of one process on its way through all layers.
struct TravelingRows {
  std::int64_t tokens = 1;
  ModelDtype dtype = ModelDtype::float32;
  bool is_recomputed = false;  ///< whether backward repeats forward
};

/// What the rows of the micro-batches of one process take.
struct SpreadLayers {
  /// Named "rows to their experts", forward and backward; empty if no expert is spread. Each process sends every other
  /// one the rows of `micro_batches` micro-batches and gets as many back, if tokens choose all experts equally often
  /// and none of their choices is dropped.
  std::vector<PlannedExchange> exchanges;
  std::int64_t layers = 0;  ///< whose experts are spread
  double busiest = 1;       ///< rows of the process that gets most, in all layers, over the mean
  /// Most bytes of rows that a process keeps for backward, and has on their way.
  std::int64_t row_bytes = 0;
};
/// `homes`: of homes_of_tensors().
SpreadLayers spread_layers(const ModelConfig& config, const std::vector<int>& homes, int processes,
                           const TravelingRows& rows, std::int64_t micro_batches);

/// The computation of the process that gets most rows over the mean of all, in a training step: products with weights
/// are counted, of which spread experts do their part where they live. `trains` selects the weights that train.
double busiest_computation(const ModelConfig& config, const std::function<bool(std::string_view)>& trains,
                           const std::vector<int>& homes, double busiest_rows);

}  // namespace multipl_moe
