/// The weights that post-training updates.
#pragma once

#include <array>
#include <string_view>

#include "moe/train/freeze.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// LoRA and MoLE: the adapters. MultiPL-MoE: the new experts and the routers; the shared expert and everything outside
/// the layers' mixtures stay frozen. Every other architecture: all weights.
moe::TrainByName post_training_weights(const ModelConfig& config);

/// Values of `train --trainable`. auto: post_training_weights(). all. ffn: the feed-forward networks, or the experts
/// and routers in their place. frozen-routers: those of auto without the routers.
inline constexpr std::array<std::string_view, 4> trainable_names{"auto", "all", "ffn", "frozen-routers"};
/// The weights of one of them. Throws UsageError for ffn of a model with adapters, and for frozen-routers of a model
/// without routers.
moe::TrainByName trainable_named(std::string_view name, const ModelConfig& config);

/// Whether each token is routed to one expert with gates normalized over the selected experts: the gate is then 1,
/// independent of the router.
bool has_constant_gates(const ModelConfig& config);
inline constexpr const char* constant_gates_note =
    "each token is routed to one expert, with a gate that is always 1: the loss gives the routers no gradient, and "
    "only --balance-weight and --z-loss-weight train them";

}  // namespace multipl_moe
