#include "multipl_moe/model/activation_values.hpp"

namespace multipl_moe {

double outer_values_per_token(const ModelConfig& config) {
  const std::int64_t kv_width = config.num_key_value_heads * config.head_dim();
  return static_cast<double>(6 * config.hidden_size + 2 * kv_width + config.num_attention_heads);
}

double routing_values_per_token(const ModelConfig& config) {
  if (!config.moe || config.moe->is_adapted()) return 0;
  return 3 * static_cast<double>(config.moe->num_token_experts + config.moe->num_segment_experts);
}

}  // namespace multipl_moe
