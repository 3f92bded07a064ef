/// Numbers of values that a pass over a text holds in memory, for memory plans.
#pragma once

#include <cstdint>

#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// Values per token that the forward pass of one layer computes outside of the feed-forward networks: four rows of the
/// hidden size, queries, keys, values, and the attention output.
double outer_values_per_token(const ModelConfig& config);
/// Values per token of a router's logits, choices and gates, each with one column per expert.
double routing_values_per_token(const ModelConfig& config);

/// Bytes of the scores of attention that are in a GPU's memory at once, with `score_bytes` for each: those of as many
/// sequences as fit into BlockSizes, at least those of one key-value head.
std::int64_t attention_scratch_bytes(const ModelConfig& config, std::int64_t sequences, std::int64_t length,
                                     std::int64_t score_bytes);

/// Rows of the cross-entropy's logits that are in memory at once.
inline constexpr std::int64_t logit_rows = 256;
/// The same on a GPU, where launches would take longer than the work on fewer rows.
inline constexpr std::int64_t logit_rows_of_a_device = 1024;

}  // namespace multipl_moe
