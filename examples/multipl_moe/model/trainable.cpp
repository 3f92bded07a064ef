#include "multipl_moe/model/trainable.hpp"

#include "multipl_moe/model/layer_work.hpp"

namespace multipl_moe {

moe::TrainByName post_training_weights(const ModelConfig& config) {
  return config.moe ? work_of(*config.moe).trains(config) : moe::TrainByName();
}

bool has_constant_gates(const ModelConfig& config) {
  return config.moe && work_of(*config.moe).has_constant_gates(*config.moe);
}

}  // namespace multipl_moe
