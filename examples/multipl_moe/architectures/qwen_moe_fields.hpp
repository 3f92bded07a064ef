/// The fields of config.json that Qwen2-MoE and Qwen3-MoE share.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "multipl_moe/io/config_fields.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// The class's defaults for sizes that a file omits.
struct QwenMoeSizes {
  std::int64_t experts = 0, chosen = 0, width = 0;
  /// Whether the class also accepts the name num_local_experts for num_experts.
  bool has_other_name = false;
};

/// Sets the mixture and the dense layers of `stored`, without a shared expert: a mixtral if norm_topk_prob is true,
/// otherwise a qwen1.5-moe whose shared expert has width 0. Throws BadFile if no layer has experts.
void read_qwen_mixture(const Fields& fields, QwenMoeSizes usual, StoredConfig& stored);

/// Whether the model routes as these classes do: top-k for any k, with routing weights that sum to 1 or are softmax
/// probabilities over all experts.
bool is_mixture_of_qwen(const ModelConfig& config);
void write_qwen_mixture(const ModelConfig& config, nlohmann::ordered_json& json);

}  // namespace multipl_moe
