/// The fields of config.json that Qwen2-MoE and Qwen3-MoE share.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "multipl_moe/io/config_fields.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// What the class takes for sizes that a file leaves out.
struct QwenMoeSizes {
  std::int64_t experts = 0, chosen = 0, width = 0;
  /// Whether the class also knows num_experts as num_local_experts.
  bool has_other_name = false;
};

/// Fills in mixture and dense layers of `stored`, without a shared expert: with norm_topk_prob a Mixtral, otherwise a
/// qwen1.5-moe whose shared expert has width 0. Throws BadFile where no layer is a mixture.
void read_qwen_mixture(const Fields& fields, QwenMoeSizes usual, StoredConfig& stored);

/// Whether tokens choose experts as in these classes: as many as they like, by weights that sum to 1 or are shares of
/// a softmax over all.
bool is_mixture_of_qwen(const ModelConfig& config);
void write_qwen_mixture(const ModelConfig& config, nlohmann::ordered_json& json);

}  // namespace multipl_moe
