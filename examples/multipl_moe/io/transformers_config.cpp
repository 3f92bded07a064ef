#include "multipl_moe/io/transformers_config.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "multipl_moe/io/architecture.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson rotation_json(const ModelConfig& config) {
  OrderedJson json{{"rope_theta", config.rope_theta}, {"rope_type", "default"}};
  if (const OrderedJson scaling = rope_scaling_json(config.rope_scaling); !scaling.is_null()) json.update(scaling);
  return json;
}

OrderedJson ids(const std::vector<std::int64_t>& tokens) {
  if (tokens.empty()) return nullptr;
  return tokens.size() == 1 ? OrderedJson(tokens.front()) : OrderedJson(tokens);
}

OrderedJson json_of(const std::optional<std::int64_t>& token) {
  return token ? OrderedJson(*token) : OrderedJson(nullptr);
}

/// The reason why no class can represent `config`.
std::string reason_of(const ModelConfig& config) {
  if (!config.moe) return "Qwen2 always has biases, and Qwen3 has no biases but normalizes queries and keys";
  ModelConfig without_norms = config;
  without_norms.qk_norm = false;
  if (find_family_of(without_norms) != nullptr)
    return "Qwen3-MoE, whose queries and keys are normalized, has no biases, no shared expert and one window for all "
           "layers";
  return std::string(architecture_named(config.moe->architecture).why_not_exported);
}

}  // namespace

const TransformersFamily& export_family(const ModelConfig& config) {
  if (const TransformersFamily* const family = find_family_of(config)) return *family;
  throw UsageError(fmt::format("[export] dense, qwen1.5-moe, mixtral and gshard models can be exported, found {}: {}",
                               config.architecture(), reason_of(config)));
}

std::string to_transformers_json_text(const ModelConfig& config, std::string_view torch_dtype,
                                      const GenerationConfig& generation) {
  const TransformersFamily& family = export_family(config);
  // Older versions of transformers read rope_theta and rope_scaling; newer ones prefer rope_parameters if present.
  OrderedJson json{{"architectures", {family.class_name}},
                   {"model_type", family.model_type},
                   {"attention_dropout", config.attention_dropout},
                   {"bos_token_id", json_of(generation.bos_token_id)},
                   {"eos_token_id", ids(generation.eos_token_id)},
                   {"pad_token_id", json_of(generation.pad_token_id)},
                   {"hidden_act", config.hidden_act},
                   {"hidden_size", config.hidden_size},
                   {"initializer_range", config.initializer_range},
                   {"intermediate_size", config.intermediate_size},
                   {"max_position_embeddings", config.max_position_embeddings},
                   {"num_attention_heads", config.num_attention_heads},
                   {"num_hidden_layers", config.num_hidden_layers},
                   {"num_key_value_heads", config.num_key_value_heads},
                   {"rms_norm_eps", config.rms_norm_eps},
                   {"rope_parameters", rotation_json(config)},
                   {"rope_theta", config.rope_theta},
                   {"sliding_window", nullptr},
                   {"tie_word_embeddings", config.tie_word_embeddings},
                   {"torch_dtype", torch_dtype},
                   {"use_cache", true},
                   {"use_sliding_window", !config.windows.empty()},
                   {"vocab_size", config.vocab_size}};
  json.update(windows_json(config.windows));
  if (config.attention_head_dim > 0) json["head_dim"] = config.attention_head_dim;
  if (auto scaling = rope_scaling_json(config.rope_scaling); !scaling.is_null()) json["rope_scaling"] = scaling;
  family.write(config, json);
  return json.dump(2) + "\n";
}

}  // namespace multipl_moe
