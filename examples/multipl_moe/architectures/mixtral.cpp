/// Mixtral (Jiang et al., 2024): top-k routing with routing weights that sum to 1; no token is dropped.
#include <array>
#include <nlohmann/json.hpp>

#include "multipl_moe/architectures/list.hpp"
#include "multipl_moe/architectures/token_experts.hpp"
#include "multipl_moe/io/tensor_names.hpp"

namespace multipl_moe {

namespace of_mixtral {
namespace {

constexpr std::array settings{&num_token_experts, &num_experts_per_tok, &global_balance, &moe_intermediate_size};

void publish(MoeConfig& moe, std::int64_t) { publish_token_level(moe, 8, 2); }

void defaults(ModelConfig& config) {
  config.rms_norm_eps = 1e-5;
  config.rope_theta = 1e6;
  config.max_position_embeddings = 131072;
  config.attention_bias = false;
  config.num_key_value_heads = 8;
}

void read(const Fields& fields, StoredConfig& stored) {
  fields.require_equal("attention_bias", "false");
  MoeConfig moe = mixture_named("mixtral").value();
  moe.num_token_experts = read_expert_count(fields, moe.num_token_experts);
  moe.num_experts_per_tok = fields.integer("num_experts_per_tok", moe.num_experts_per_tok);
  stored.model.moe = std::move(moe);
  stored.model.router_jitter_noise = fields.number("router_jitter_noise", 0);
}

/// A GShard model counts as a Mixtral: GShard drops tokens in training only.
bool holds(const ModelConfig& config) {
  const std::string_view name = config.architecture();
  return (name == "mixtral" || name == "gshard") && !config.attention_bias && !config.qk_norm &&
         config.dense_layers.empty() && has_one_window(config.windows);
}

void write(const ModelConfig& config, nlohmann::ordered_json& json) {
  json["num_local_experts"] = config.moe->num_token_experts;
  json["num_experts_per_tok"] = config.moe->num_experts_per_tok;
  json["router_jitter_noise"] = config.router_jitter_noise;
  json["output_router_logits"] = false;
  json["router_aux_loss_coef"] = 0.001;
  // The transformers class computes some rotary embeddings from this field alone.
  json["head_dim"] = config.head_dim();
  // The width of the experts: there is no other FFN.
  json["intermediate_size"] = config.expert_width();
  json.erase("use_sliding_window");
  json.erase("layer_types");
  json.erase("max_window_layers");
}

}  // namespace
}  // namespace of_mixtral

const Architecture mixtral{.name = "mixtral",
                           .settings = of_mixtral::settings,
                           .publish = of_mixtral::publish,
                           .fault = fault_in_token_choice,
                           .has_any_activation = true,
                           .work = &token_expert_work};

const TransformersFamily mixtral_family{.model_type = "mixtral",
                                        .class_name = "MixtralForCausalLM",
                                        .windows = WindowLayers::all,
                                        .defaults = of_mixtral::defaults,
                                        .read = of_mixtral::read,
                                        .holds = of_mixtral::holds,
                                        .write = of_mixtral::write,
                                        .tensor_name = mixtral_name};

}  // namespace multipl_moe
