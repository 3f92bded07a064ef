/// Which weights a post-training changes.
#pragma once

#include "moe/train/freeze.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// LoRA and MoLE: the adapters. MultiPL-MoE: the new experts and the routers; the shared expert and everything outside
/// the layers' mixtures stay as the base model left them. Every other architecture trains whole.
moe::TrainByName post_training_weights(const ModelConfig& config);

}  // namespace multipl_moe
