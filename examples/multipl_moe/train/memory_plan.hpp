/// Memory plans for training, computed before anything is allocated.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/activation_checkpointing.hpp"
#include "multipl_moe/model/adamw_precision.hpp"
#include "multipl_moe/model/model_dtype.hpp"

namespace multipl_moe {

/// Numbers of values of a model, by purpose.
struct TrainingCounts {
  std::int64_t weights = 0;    ///< weights and buffers
  std::int64_t floats = 0;     ///< of these, the ones that are float32 in a model of any dtype
  std::int64_t trainable = 0;  ///< trainable weights
};

/// Counts the tensors of the configured model. `trains` selects the trainable weights by name.
TrainingCounts training_counts(const ModelConfig& config, const std::function<bool(std::string_view)>& trains);

/// Size of a micro-batch, and whether its forward pass uses activation checkpointing.
struct MicroBatch {
  std::int64_t sequences = 1;
  std::int64_t length = 1;
  ActivationCheckpointing checkpointing = ActivationCheckpointing::off;

  std::int64_t tokens() const { return sequences * length; }
};

/// Values that a micro-batch's passes hold at once: the saved activations of every layer, the largest layer's tensors
/// in backward, and a chunk of logits. Upper bound: rows that no expert processes are counted too.
std::int64_t activation_values(const ModelConfig& config, const MicroBatch& batch);

/// Bytes by purpose.
struct MemoryPlan {
  std::int64_t weights = 0;
  std::int64_t gradients = 0;
  std::int64_t moments = 0;  ///< moments, and the bytes of master weights beyond the weights
  std::int64_t activations = 0;

  std::int64_t total() const { return weights + gradients + moments + activations; }
};

/// Training by this program on the CPU: weights and activations in `dtype`, gradients in float32.
MemoryPlan host_plan(const ModelConfig& config, const TrainingCounts& counts, const MicroBatch& batch,
                     AdamWPrecision precision, ModelDtype dtype = ModelDtype::float32);

/// Precisions of a bfloat16 training on one GPU. A float32 master weight is an additional copy there.
struct GpuPrecision {
  AdamWPrecision adamw;
  std::int64_t gradient_bytes = 4;  ///< bytes per value: 4 for float32, 2 for bfloat16

  std::string name() const;  ///< `split master weights, float32 moments, bfloat16 gradients`
};
/// All twelve combinations, by master weights, moments and then gradients, the most precise first.
std::vector<GpuPrecision> all_gpu_precisions();

/// Training on one GPU: weights and activations in bfloat16.
MemoryPlan gpu_plan(const ModelConfig& config, const TrainingCounts& counts, const MicroBatch& batch,
                    const GpuPrecision& precision);

/// Bytes of one checkpoint: weights in `dtype`, buffers, and the optimizer state of the trainable weights.
std::int64_t checkpoint_bytes(const TrainingCounts& counts, AdamWPrecision precision,
                              ModelDtype dtype = ModelDtype::float32);

}  // namespace multipl_moe
