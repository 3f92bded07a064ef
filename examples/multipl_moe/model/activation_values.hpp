/// How many values a pass over a text has in memory, for plans.
#pragma once

#include <cstdint>

#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// Values that the forward pass of one layer makes of a token outside of the feed-forward networks: four rows of the
/// layer's width, and queries, keys, values and what attention gives.
double outer_values_per_token(const ModelConfig& config);
/// A router's logits, choices and gates, which are as wide as there are experts.
double routing_values_per_token(const ModelConfig& config);

/// Rows of the cross-entropy's logits that exist at once.
inline constexpr std::int64_t logit_rows = 256;

}  // namespace multipl_moe
