#include "multipl_moe/model/activation_values.hpp"

#include <algorithm>

#include "multipl_moe/model/block_attention.hpp"

namespace multipl_moe {

double outer_values_per_token(const ModelConfig& config) {
  const std::int64_t heads = config.num_attention_heads, kv_heads = config.num_key_value_heads,
                     q_width = heads * config.head_dim(), kv_width = kv_heads * config.head_dim();
  // The norms of queries and keys keep their inputs and one scale per head.
  const std::int64_t norms = config.qk_norm ? q_width + kv_width + heads + kv_heads : 0;
  return static_cast<double>(4 * config.hidden_size + 2 * q_width + 2 * kv_width + heads + norms);
}

double routing_values_per_token(const ModelConfig& config) {
  if (!config.moe || config.moe->is_adapted()) return 0;
  return 3 * static_cast<double>(config.moe->num_token_experts + config.moe->num_segment_experts);
}

std::int64_t attention_scratch_bytes(const ModelConfig& config, std::int64_t sequences, std::int64_t length,
                                     std::int64_t score_bytes) {
  const std::int64_t columns = (length + 63) / 64 * 64;
  const std::int64_t group = config.num_attention_heads / config.num_key_value_heads;
  const std::int64_t of_head = score_bytes * group * length * columns;
  const std::int64_t all = of_head * config.num_key_value_heads * sequences;
  return std::min(all, std::max<std::int64_t>(of_head, BlockSizes{}.scratch_bytes));
}

}  // namespace multipl_moe
