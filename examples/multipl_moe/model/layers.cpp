#include "multipl_moe/model/layers.hpp"

#include "moe/runtime/registry.hpp"

namespace multipl_moe {

namespace {

moe::Composition composition_of(const ModelConfig& config) {
  moe::Composition c;
  c.architecture = config.architecture();
  c.settings.width = config.hidden_size;
  c.settings.hidden = config.expert_width();
  if (!config.moe) return c;
  const MoeConfig& m = *config.moe;
  c.router = m.router;
  c.segmenter = m.segmenter;
  c.fusion = m.fusion;
  c.shared_hidden = m.shared_expert_intermediate_size;
  c.normalised_gates = m.norm_topk_prob;
  c.balance_over_routed = m.balance == "routed";
  c.expert_capacity = m.expert_capacity_factor;
  c.random_choice = m.random_choice == "on";
  c.lora_rank = m.lora_rank;
  c.lora_alpha = m.lora_alpha;
  c.mole = {.languages = static_cast<moe::Index>(m.languages.size()),
            .language_rank = m.language_rank,
            .language_alpha = m.language_alpha,
            .shared_rank = m.shared_rank,
            .shared_alpha = m.shared_alpha};
  c.settings.token_experts = m.num_token_experts;
  c.settings.segment_experts = m.num_segment_experts;
  c.settings.k = m.num_experts_per_tok;
  c.settings.shared = m.shared_expert_index;
  c.settings.window = m.segment_window;
  c.settings.minimum_window = m.segment_minimum_window;
  c.settings.boundary = static_cast<std::int32_t>(m.segment_boundary_token);
  c.settings.capacity_factor = m.segment_capacity_factor;
  c.settings.cap = m.segment_expert_cap;
  c.settings.token_weight = m.fusion_token_weight;
  c.settings.segment_weight = m.fusion_segment_weight;
  c.settings.threshold_beta = m.threshold_beta;
  return c;
}

}  // namespace

Layer make_layer(const ModelConfig& config) {
  static const moe::Registry<float, moe::Cpu<>> registry;
  return registry.make(composition_of(config));
}

LayerShape make_layer_shape(const ModelConfig& config) {
  static const moe::Registry<float, moe::Shape> registry;
  return registry.make(composition_of(config));
}

}  // namespace multipl_moe
