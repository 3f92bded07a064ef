/// Qwen3 (Yang et al., 2025): a dense model without biases, with queries and keys normalized per head, and a head width
/// that does not depend on hidden_size.
#include <nlohmann/json.hpp>

#include "multipl_moe/architectures/list.hpp"

namespace multipl_moe {

namespace of_qwen3 {
namespace {

void defaults(ModelConfig& config) {
  config.attention_bias = false;
  config.qk_norm = true;
  config.attention_head_dim = 128;
  config.num_key_value_heads = 32;
}
/// attention_bias would put a bias on the output projection too, which is not supported.
void read(const Fields& fields, StoredConfig&) { fields.require_equal("attention_bias", "false"); }
bool holds(const ModelConfig& config) { return !config.moe && config.qk_norm && !config.attention_bias; }
void write(const ModelConfig& config, nlohmann::ordered_json& json) {
  json["head_dim"] = config.head_dim();
  json["attention_bias"] = false;
}

}  // namespace
}  // namespace of_qwen3

const TransformersFamily qwen3{.model_type = "qwen3",
                               .class_name = "Qwen3ForCausalLM",
                               .windows = WindowLayers::from_a_layer_on,
                               .defaults = of_qwen3::defaults,
                               .read = of_qwen3::read,
                               .holds = of_qwen3::holds,
                               .write = of_qwen3::write};

}  // namespace multipl_moe
