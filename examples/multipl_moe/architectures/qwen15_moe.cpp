/// Qwen1.5-MoE (Qwen Team, 2024): many narrow experts, split off the dense FFN, and a shared expert with its own gate;
/// routing weights are softmax probabilities over all experts.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "moe/layers/presets.hpp"
#include "moe/train/split_into_experts.hpp"
#include "multipl_moe/architectures/list.hpp"
#include "multipl_moe/architectures/qwen_moe_fields.hpp"
#include "multipl_moe/architectures/token_experts.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace of_qwen15_moe {
namespace {

constexpr MixtureSetting shared_width{.key = "shared_expert_intermediate_size",
                                      .flag = "",
                                      .help = "",
                                      .field = &MoeConfig::shared_expert_intermediate_size,
                                      .least = 0,
                                      .most = widest_expert};
constexpr MixtureSetting norm_topk_prob{
    .key = "norm_topk_prob", .flag = "", .help = "", .field = &MoeConfig::norm_topk_prob};

constexpr std::array settings{&num_token_experts,     &num_experts_per_tok, &global_balance,
                              &moe_intermediate_size, &shared_width,        &norm_topk_prob};

/// Experts have a quarter of the dense FFN's channels, rounded up to a multiple of 128, as in the published model.
void publish(MoeConfig& moe, std::int64_t intermediate_size) {
  publish_token_level(moe, 60, 4);
  constexpr std::int64_t step = 128;
  const std::int64_t shard = (intermediate_size + fine_grained_shards - 1) / fine_grained_shards;
  moe.moe_intermediate_size = (shard + step - 1) / step * step;
  moe.shared_expert_intermediate_size = fine_grained_shards * moe.moe_intermediate_size;
}

void compose(const MoeConfig& moe, moe::Composition& composition) {
  compose_token_level(moe, composition);
  composition.shared_hidden = moe.shared_expert_intermediate_size;
  composition.normalized_gates = moe.norm_topk_prob;
}

bool has_constant_gates(const MoeConfig& moe) { return moe.norm_topk_prob && is_constant_where_one_is_chosen(moe); }

void check(const ModelConfig& config, const moe::Upcycling&) {
  const std::int64_t shard = (config.intermediate_size + fine_grained_shards - 1) / fine_grained_shards,
                     shared = config.moe->shared_expert_intermediate_size;
  if (config.expert_width() < shard || shared < config.intermediate_size)
    throw UsageError(
        fmt::format("[upcycle] an expert must hold a shard of the dense FFN, {}, and the shared expert all {}, "
                    "found {} and {}",
                    counted(shard, "channels"), config.intermediate_size, config.expert_width(), shared));
}

template <class Qwen15Moe>
bool split(const Layer::Context& context, const Layer::Dense& ffn, Layer& layer, const moe::Upcycling& start,
           const std::string& prefix) {
  auto* const own = layer.as<Qwen15Moe>();
  if (own != nullptr) moe::split_into_experts(context, ffn, *own, fine_grained_shards, start, prefix);
  return own != nullptr;
}

void upcycle_into_shards(const Layer::Context& context, const Layer::Dense& ffn, Layer& layer,
                         const moe::Upcycling& start, const std::string& prefix) {
  if (!split<moe::Qwen15Moe<Layer::Value, Layer::Backend>>(context, ffn, layer, start, prefix))
    upcycle(context, ffn, layer, start, prefix);
}

Layer::Dense make_shard(const Layer::Context& context, const Layer::Dense& ffn, const ModelConfig& config,
                        std::optional<std::int64_t> number, const moe::Upcycling& start, const std::string& name) {
  Layer::Dense expert(config.hidden_size, number ? config.expert_width() : config.moe->shared_expert_intermediate_size);
  if (number)
    moe::split_off_expert(context, ffn, expert, *number, fine_grained_shards, start, name);
  else
    moe::split_off_shared_expert(context, ffn, expert, start, name);
  return expert;
}

void narrow(MoeConfig& moe) {
  moe.moe_intermediate_size = 1;
  moe.shared_expert_intermediate_size = fine_grained_shards;
}

// --- in transformers
// --------------------------------------------------------------------------------------------------

void defaults(ModelConfig& config) { config.num_key_value_heads = 16; }

void read(const Fields& fields, StoredConfig& stored) {
  ModelConfig& config = stored.model;
  read_qwen_mixture(fields, {.experts = 60, .chosen = 4, .width = 1408}, stored);
  config.attention_bias = fields.boolean("qkv_bias", true);
  fields.require_equal("attention_bias", config.attention_bias ? "true" : "false");
  const std::int64_t shared = fields.integer("shared_expert_intermediate_size", 5632);
  stored.has_empty_shared_expert = shared == 0;
  if (shared == 0) return;
  const MoeConfig without = *config.moe;
  config.moe = mixture_named("qwen1.5-moe").value();
  config.moe->num_token_experts = without.num_token_experts;
  config.moe->num_experts_per_tok = without.num_experts_per_tok;
  config.moe->moe_intermediate_size = without.moe_intermediate_size;
  config.moe->shared_expert_intermediate_size = shared;
  config.moe->norm_topk_prob = fields.boolean("norm_topk_prob", false);
}

bool holds(const ModelConfig& config) { return is_mixture_of_qwen(config) && !config.qk_norm; }

void write(const ModelConfig& config, nlohmann::ordered_json& json) {
  write_qwen_mixture(config, json);
  json["shared_expert_intermediate_size"] = config.moe->shared_expert_intermediate_size;
  json["qkv_bias"] = config.attention_bias;
}

/// For a model without a shared expert: tensors of one of width 0 and of its gate, which contribute nothing.
std::vector<PlannedTensor> empty_shared_experts(const ModelConfig& config, std::string_view dtype) {
  std::vector<PlannedTensor> tensors;
  if (config.moe->shared_expert_intermediate_size > 0) return tensors;
  const std::int64_t width = config.hidden_size;
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    if (config.is_dense_layer(layer)) continue;
    const std::string prefix = fmt::format("model.layers.{}.mlp.shared_expert", layer);
    tensors.push_back({prefix + ".gate_proj.weight", std::string(dtype), {0, width}});
    tensors.push_back({prefix + ".up_proj.weight", std::string(dtype), {0, width}});
    tensors.push_back({prefix + ".down_proj.weight", std::string(dtype), {width, 0}});
    tensors.push_back({prefix + "_gate.weight", std::string(dtype), {1, width}});
  }
  return tensors;
}

constexpr LayerWork work{.compose = compose,
                         .trains = trains_whole,
                         .has_constant_gates = has_constant_gates,
                         .fixed_experts = no_fixed_experts,
                         .check = check,
                         .upcycle = upcycle_into_shards,
                         .make_expert = make_shard,
                         .narrow = narrow};

}  // namespace
}  // namespace of_qwen15_moe

const Architecture qwen15_moe{.name = "qwen1.5-moe",
                              .settings = of_qwen15_moe::settings,
                              .publish = of_qwen15_moe::publish,
                              .fault = fault_in_token_choice,
                              .has_any_activation = true,
                              .work = &of_qwen15_moe::work};

const TransformersFamily qwen2_moe{.model_type = "qwen2_moe",
                                   .class_name = "Qwen2MoeForCausalLM",
                                   .windows = WindowLayers::every_other_before,
                                   .defaults = of_qwen15_moe::defaults,
                                   .read = of_qwen15_moe::read,
                                   .holds = of_qwen15_moe::holds,
                                   .write = of_qwen15_moe::write,
                                   .other_tensors = of_qwen15_moe::empty_shared_experts};

}  // namespace multipl_moe
