/// What training a model takes, worked out before anything is allocated.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/activation_checkpointing.hpp"
#include "multipl_moe/model/adamw_precision.hpp"

namespace multipl_moe {

/// Values that a model and its training hold, by what they are for.
struct TrainingCounts {
  std::int64_t weights = 0;    ///< and buffers
  std::int64_t trainable = 0;  ///< of the weights
};

/// Walks the names in config.json's model. `trains` says which weights train.
TrainingCounts training_counts(const ModelConfig& config, const std::function<bool(std::string_view)>& trains);

/// One micro-batch, and what its forward pass keeps.
struct MicroBatch {
  std::int64_t sequences = 1;
  std::int64_t length = 1;
  ActivationCheckpointing checkpointing = ActivationCheckpointing::off;

  std::int64_t tokens() const { return sequences * length; }
};

/// Values that a micro-batch's passes hold at once: what forward keeps of every layer, the largest layer's work in
/// backward, and a chunk of logits. An estimate from above: rows that no expert takes are counted.
std::int64_t activation_values(const ModelConfig& config, const MicroBatch& batch);

/// Bytes by what they are for.
struct MemoryPlan {
  std::int64_t weights = 0;
  std::int64_t gradients = 0;
  std::int64_t moments = 0;  ///< and what master weights have beyond the weights
  std::int64_t activations = 0;

  std::int64_t total() const { return weights + gradients + moments + activations; }
};

/// This program on the CPU: weights, gradients and activations in float32.
MemoryPlan host_plan(const ModelConfig& config, const TrainingCounts& counts, const MicroBatch& batch,
                     AdamWPrecision precision);

/// How a training in bfloat16 on one GPU keeps what is updated. A master weight in float32 is a copy there.
struct GpuPrecision {
  AdamWPrecision adamw;
  std::int64_t gradient_bytes = 4;  ///< of one value: 4 float32, 2 bfloat16

  std::string name() const;  ///< `split master weights, float32 moments, bfloat16 gradients`
};
/// All twelve, those that keep most first.
std::vector<GpuPrecision> all_gpu_precisions();

/// Weights and activations in bfloat16.
MemoryPlan gpu_plan(const ModelConfig& config, const TrainingCounts& counts, const MicroBatch& batch,
                    const GpuPrecision& precision);

/// Of one checkpoint: weights and buffers in float32, and what AdamW remembers of what trains.
std::int64_t checkpoint_bytes(const TrainingCounts& counts, AdamWPrecision precision);

}  // namespace multipl_moe
