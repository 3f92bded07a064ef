/// Memory plans for training, computed before anything is allocated.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/activation_checkpointing.hpp"
#include "multipl_moe/model/adamw_precision.hpp"
#include "multipl_moe/model/expert_spread.hpp"
#include "multipl_moe/model/model_dtype.hpp"

namespace multipl_moe {

/// What a process of a run has beside the weights, alone or as one of several.
struct ProcessPart {
  std::int64_t owned = 0;           ///< trainable weights whose optimizer state it has
  std::int64_t gradients = 1;       ///< gradients of the whole model: its own, and sums of slots
  std::int64_t exchange_bytes = 0;  ///< gradients and rows of experts on their way
};

/// Numbers of values of a model, by purpose.
struct TrainingCounts {
  std::int64_t weights = 0;    ///< weights and buffers
  std::int64_t floats = 0;     ///< of these, the ones that are float32 in a model of any dtype
  std::int64_t trainable = 0;  ///< trainable weights
  std::int64_t largest = 0;    ///< values of the largest trainable weight
  ProcessPart part{};          ///< of the process that the memory is planned for
};

/// Counts the tensors of the configured model in a process that has this part of the experts. `trains` selects the
/// trainable weights by name.
TrainingCounts training_counts(const ModelConfig& config, const std::function<bool(std::string_view)>& trains,
                               const ExpertPart& part = {});

/// Size of a micro-batch, and whether its forward pass uses activation checkpointing.
struct MicroBatch {
  std::int64_t sequences = 1;
  std::int64_t length = 1;
  ActivationCheckpointing checkpointing = ActivationCheckpointing::off;

  std::int64_t tokens() const { return sequences * length; }
};

/// Values of a micro-batch's passes, in the type of activations. Upper bound: rows that no expert processes are counted
/// too.
struct ActivationValues {
  double kept = 0;     ///< saved for the backward pass
  double layer = 0;    ///< saved by the largest layer; its backward pass holds as many gradients
  double outside = 0;  ///< of these, the ones outside of the feed-forward network
  double input = 0;    ///< the input of a layer
};
ActivationValues activation_values_by_part(const ModelConfig& config, const MicroBatch& batch);

/// Values that a micro-batch's passes hold at once: the saved activations of every layer, the largest layer's tensors
/// in backward, and a chunk of logits.
std::int64_t activation_values(const ModelConfig& config, const MicroBatch& batch);

/// Bytes by purpose.
struct MemoryPlan {
  std::int64_t weights = 0;
  std::int64_t gradients = 0;
  std::int64_t moments = 0;  ///< moments, and the bytes of master weights beyond the weights
  std::int64_t activations = 0;
  std::int64_t exchange = 0;  ///< gradients and rows of experts on their way

  std::int64_t total() const { return weights + gradients + moments + activations + exchange; }
};

/// Training by this program on the CPU: weights and activations in `dtype`, gradients in float32.
MemoryPlan host_plan(const ModelConfig& config, const TrainingCounts& counts, const MicroBatch& batch,
                     AdamWPrecision precision, ModelDtype dtype = ModelDtype::float32);

/// Bytes of the weights and buffers of a model in `dtype`.
std::int64_t weight_bytes(const TrainingCounts& counts, ModelDtype dtype);

/// Bytes of one checkpoint: weights in `dtype`, buffers, and the optimizer state of the trainable weights.
std::int64_t checkpoint_bytes(const TrainingCounts& counts, AdamWPrecision precision,
                              ModelDtype dtype = ModelDtype::float32);

}  // namespace multipl_moe
