/// Which weights a post-training changes.
#pragma once

#include "moe/train/freeze.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// LoRA and MoLE: the adapters. MultiPL-MoE: the new experts and the routers; the shared expert and everything outside
/// the layers' mixtures stay as the base model left them. Every other architecture trains whole.
moe::TrainByName post_training_weights(const ModelConfig& config);

/// Whether each token visits one expert whose gate is normalized over the chosen: it is 1 whatever the router says.
bool has_constant_gates(const ModelConfig& config);
inline constexpr const char* constant_gates_note =
    "a token visits one expert, with a weight that is always 1: the loss gives the routers no gradient, and only "
    "--balance-weight and --z-loss-weight train them";

}  // namespace multipl_moe
