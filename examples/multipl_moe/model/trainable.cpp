#include "multipl_moe/model/trainable.hpp"

namespace multipl_moe {

moe::TrainByName post_training_weights(const ModelConfig& config) {
  if (!config.moe || !config.moe->architecture.ends_with("multipl-moe")) return {};
  return {.train = {"*.mlp.token.*", "*.mlp.segment.*"},
          .freeze = {"*.mlp.token.experts." + std::to_string(config.moe->shared_expert_index) + ".*"}};
}

}  // namespace multipl_moe
