#include "multipl_moe/io/transformers_config.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/window_config.hpp"

namespace multipl_moe {

namespace {

using OrderedJson = nlohmann::ordered_json;

std::string model_type(const Fields& fields) { return fields.text("model_type", "qwen2"); }

MoeConfig mixtral_config(const Fields& fields) {
  MoeConfig moe = mixture_named("mixtral").value();
  const std::int64_t experts = fields.integer("num_local_experts", moe.num_token_experts);
  // In transformers another name of the same.
  moe.num_token_experts = fields.integer("num_experts", experts);
  if (fields.has("num_local_experts") && moe.num_token_experts != experts)
    throw BadFile(fields.path(),
                  fmt::format("num_experts must be num_local_experts, {}, found {}", experts, moe.num_token_experts));
  moe.num_experts_per_tok = fields.integer("num_experts_per_tok", moe.num_experts_per_tok);
  return moe;
}

MoeConfig qwen2_moe_config(const Fields& fields, StoredConfig& stored) {
  constexpr std::int64_t experts = 60, chosen = 4, width = 1408, shared_width = 5632;
  const std::int64_t shared = fields.integer("shared_expert_intermediate_size", shared_width);
  stored.has_empty_shared_expert = shared == 0;
  const bool is_normalised = fields.boolean("norm_topk_prob", false);
  if (stored.has_empty_shared_expert && !is_normalised)
    throw BadFile(fields.path(), "norm_topk_prob must be true with a shared expert of width 0, found false");
  MoeConfig moe = mixture_named(stored.has_empty_shared_expert ? "mixtral" : "qwen1.5-moe").value();
  moe.num_token_experts = fields.integer("num_experts", experts);
  moe.num_experts_per_tok = fields.integer("num_experts_per_tok", chosen);
  moe.moe_intermediate_size = fields.integer("moe_intermediate_size", width);
  moe.shared_expert_intermediate_size = shared;
  moe.norm_topk_prob = is_normalised && !stored.has_empty_shared_expert;
  return moe;
}

void require_null_or_one(const Fields& fields, const char* name) {
  if (const std::int64_t step = fields.integer(name, 1); step != 1)
    throw BadFile(fields.path(), fmt::format("{} must be 1, since every layer is a mixture, found {}", name, step));
}

OrderedJson rotation_json(const ModelConfig& config) {
  OrderedJson json{{"rope_theta", config.rope_theta}, {"rope_type", "default"}};
  json.update(rope_scaling_json(config.rope_scaling).is_null() ? OrderedJson::object()
                                                               : rope_scaling_json(config.rope_scaling));
  return json;
}

OrderedJson ids(const std::vector<std::int64_t>& tokens) {
  if (tokens.empty()) return nullptr;
  return tokens.size() == 1 ? OrderedJson(tokens.front()) : OrderedJson(tokens);
}

OrderedJson json_of(const std::optional<std::int64_t>& token) {
  return token ? OrderedJson(*token) : OrderedJson(nullptr);
}

void add_mixture(const ModelConfig& config, TransformersModel model, OrderedJson& json) {
  if (model == TransformersModel::qwen2) return;
  const MoeConfig& moe = *config.moe;
  json["num_experts_per_tok"] = moe.num_experts_per_tok;
  json["output_router_logits"] = false;
  json["router_aux_loss_coef"] = 0.001;
  if (model == TransformersModel::mixtral) {
    json["num_local_experts"] = moe.num_token_experts;
    json["router_jitter_noise"] = config.router_jitter_noise;
    return;
  }
  json["num_experts"] = moe.num_token_experts;
  json["moe_intermediate_size"] = config.expert_width();
  json["shared_expert_intermediate_size"] = moe.shared_expert_intermediate_size;
  json["norm_topk_prob"] = model == TransformersModel::mixtral_as_qwen2_moe || moe.norm_topk_prob;
  json["decoder_sparse_step"] = 1;
  json["mlp_only_layers"] = OrderedJson::array();
  json["qkv_bias"] = config.attention_bias;
}

}  // namespace

bool is_of_transformers(const Fields& fields) {
  return model_type(fields) == "qwen2_moe" || model_type(fields) == "mixtral";
}

ModelConfig defaults_of_transformers(const Fields& fields) {
  ModelConfig config;
  if (model_type(fields) != "mixtral") return config;
  config.rms_norm_eps = 1e-5;
  config.rope_theta = 1e6;
  config.max_position_embeddings = 131072;
  config.attention_bias = false;
  return config;
}

void read_mixture_of_transformers(const Fields& fields, StoredConfig& stored) {
  ModelConfig& config = stored.model;
  if (model_type(fields) == "mixtral") {
    config.moe = mixtral_config(fields);
    config.router_jitter_noise = fields.number("router_jitter_noise", 0);
    return;
  }
  require_null_or_one(fields, "decoder_sparse_step");
  if (const auto layers = fields.integers("mlp_only_layers"); !layers.empty())
    throw BadFile(fields.path(), fmt::format("mlp_only_layers must be empty, since every layer is a mixture, found {} "
                                             "layers",
                                             layers.size()));
  config.attention_bias = fields.boolean("qkv_bias", true);
  config.moe = qwen2_moe_config(fields, stored);
}

TransformersModel transformers_model(const ModelConfig& config) {
  const std::string architecture(config.architecture());
  const bool has_biases = config.attention_bias;
  if (config.qk_norm)
    throw UsageError(
        "[export] a model whose queries and keys are normalized has no class of transformers yet that "
        "the program writes");
  if (architecture == "dense" && has_biases) return TransformersModel::qwen2;
  if (architecture == "qwen1.5-moe") return TransformersModel::qwen2_moe;
  if (architecture == "mixtral" || architecture == "gshard")
    return has_biases || !has_one_window(config.windows) ? TransformersModel::mixtral_as_qwen2_moe
                                                         : TransformersModel::mixtral;
  const std::string why = architecture == "dense"  ? "Qwen2 always has biases, and this model has none"
                          : architecture == "lora" ? "an adapter is no model: `merge` makes a dense one of them"
                                                   : "transformers has no such layer";
  throw UsageError(fmt::format("[export] dense, qwen1.5-moe, mixtral and gshard models can be exported, found {}: {}",
                               architecture, why));
}

std::string to_transformers_json_text(const ModelConfig& config, std::string_view torch_dtype,
                                      const GenerationConfig& generation) {
  const TransformersModel model = transformers_model(config);
  const char* const type = model == TransformersModel::qwen2     ? "qwen2"
                           : model == TransformersModel::mixtral ? "mixtral"
                                                                 : "qwen2_moe";
  const char* const architecture = model == TransformersModel::qwen2     ? "Qwen2ForCausalLM"
                                   : model == TransformersModel::mixtral ? "MixtralForCausalLM"
                                                                         : "Qwen2MoeForCausalLM";
  // An older transformers reads rope_theta, a newer one takes rope_parameters where both are there.
  OrderedJson json{
      {"architectures", {architecture}},
      {"model_type", type},
      {"attention_dropout", config.attention_dropout},
      {"bos_token_id", json_of(generation.bos_token_id)},
      {"eos_token_id", ids(generation.eos_token_id)},
      {"pad_token_id", json_of(generation.pad_token_id)},
      {"hidden_act", "silu"},
      {"hidden_size", config.hidden_size},
      {"initializer_range", config.initializer_range},
      // Mixtral's is its experts' width.
      {"intermediate_size", model == TransformersModel::mixtral ? config.expert_width() : config.intermediate_size},
      {"max_position_embeddings", config.max_position_embeddings},
      {"num_attention_heads", config.num_attention_heads},
      {"num_hidden_layers", config.num_hidden_layers},
      {"num_key_value_heads", config.num_key_value_heads},
      {"rms_norm_eps", config.rms_norm_eps},
      {"rope_parameters", rotation_json(config)},
      {"rope_theta", config.rope_theta},
      {"sliding_window", config.windows.empty() ? OrderedJson(nullptr) : OrderedJson(config.windows.back())},
      {"tie_word_embeddings", config.tie_word_embeddings},
      {"torch_dtype", torch_dtype},
      {"use_cache", true},
      {"vocab_size", config.vocab_size}};
  if (model != TransformersModel::mixtral) {
    json["use_sliding_window"] = !config.windows.empty();
    json.update(windows_json(config.windows));
  }
  if (config.attention_head_dim > 0) json["head_dim"] = config.attention_head_dim;
  if (auto scaling = rope_scaling_json(config.rope_scaling); !scaling.is_null()) json["rope_scaling"] = scaling;
  add_mixture(config, model, json);
  return json.dump(2) + "\n";
}

}  // namespace multipl_moe
