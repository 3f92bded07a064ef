#include "multipl_moe/model/trainable.hpp"

namespace multipl_moe {

moe::TrainByName post_training_weights(const ModelConfig& config) {
  if (config.moe && config.moe->is_adapted()) return {.train = {"*.lora_A.weight", "*.lora_B.weight"}};
  if (!config.moe || config.moe->architecture.find("multipl-moe") == std::string::npos) return {};
  const MoeConfig& moe = *config.moe;
  moe::TrainByName chosen{.train = {"*.mlp.token.*", "*.mlp.segment.*", "*.mlp.fusion.*"}};
  // The token level alone is the whole layer.
  const std::string level = moe.num_segment_experts == 0 ? "*.mlp." : "*.mlp.token.";
  if (moe.num_segment_experts == 0) chosen.train = {"*.mlp.*"};
  if (moe.router == "shared-top-k" && moe.shared_expert_index >= 0)
    chosen.freeze = {level + "experts." + std::to_string(moe.shared_expert_index) + ".*"};
  return chosen;
}

bool has_constant_gates(const ModelConfig& config) {
  if (!config.moe || config.moe->is_adapted() || config.moe->num_experts_per_tok != 1) return false;
  // Qwen1.5-MoE's gates are shares among all experts, unless the model asks for others.
  return config.moe->architecture != "qwen1.5-moe" || config.moe->norm_topk_prob;
}

}  // namespace multipl_moe
