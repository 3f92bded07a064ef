/// Qwen3-MoE (Yang et al., 2025): Qwen3's attention, and experts without a shared expert; routing weights are softmax
/// probabilities over all experts, usually divided by the sum over the selected ones.
#include <nlohmann/json.hpp>

#include "multipl_moe/architectures/list.hpp"
#include "multipl_moe/architectures/qwen_moe_fields.hpp"

namespace multipl_moe {

namespace of_qwen3_moe {
namespace {

void defaults(ModelConfig& config) {
  config.attention_bias = false;
  config.qk_norm = true;
  config.num_key_value_heads = 4;
}
void read(const Fields& fields, StoredConfig& stored) {
  fields.require_equal("attention_bias", "false");
  read_qwen_mixture(fields, {.experts = 128, .chosen = 8, .width = 768, .has_other_name = true}, stored);
}
bool holds(const ModelConfig& config) {
  return config.qk_norm && !config.attention_bias && is_mixture_of_qwen(config) &&
         config.moe->shared_expert_intermediate_size == 0 && has_one_window(config.windows);
}
void write(const ModelConfig& config, nlohmann::ordered_json& json) {
  write_qwen_mixture(config, json);
  json["head_dim"] = config.head_dim();
  json["attention_bias"] = false;
}

}  // namespace
}  // namespace of_qwen3_moe

const TransformersFamily qwen3_moe{.model_type = "qwen3_moe",
                                   .class_name = "Qwen3MoeForCausalLM",
                                   .windows = WindowLayers::all_if_used,
                                   .defaults = of_qwen3_moe::defaults,
                                   .read = of_qwen3_moe::read,
                                   .holds = of_qwen3_moe::holds,
                                   .write = of_qwen3_moe::write};

}  // namespace multipl_moe
