/// A dense model: Qwen2 in transformers, with biases on queries, keys and values.
#include <nlohmann/json.hpp>

#include "multipl_moe/architectures/list.hpp"

namespace multipl_moe {

namespace of_dense {
namespace {

void defaults(ModelConfig& config) { config.num_key_value_heads = 32; }
void read(const Fields& fields, StoredConfig&) { fields.require_equal("attention_bias", "true"); }
bool holds(const ModelConfig& config) { return !config.moe && config.attention_bias && !config.qk_norm; }
void write(const ModelConfig&, nlohmann::ordered_json&) {}

}  // namespace
}  // namespace of_dense

const TransformersFamily qwen2{.model_type = "qwen2",
                               .class_name = "Qwen2ForCausalLM",
                               .windows = WindowLayers::from_a_layer_on,
                               .defaults = of_dense::defaults,
                               .read = of_dense::read,
                               .holds = of_dense::holds,
                               .write = of_dense::write};

}  // namespace multipl_moe
