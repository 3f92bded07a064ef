#include "multipl_moe/model/trainable.hpp"

#include <fmt/format.h>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/layer_work.hpp"

namespace multipl_moe {

moe::TrainByName post_training_weights(const ModelConfig& config) {
  return config.moe ? work_of(*config.moe).trains(config) : moe::TrainByName();
}

moe::TrainByName trainable_named(std::string_view name, const ModelConfig& config) {
  const bool is_adapted = config.moe && config.moe->is_adapted();
  if (name == "all") return {};
  if (name == "ffn") {
    if (is_adapted)
      throw UsageError(
          fmt::format("[train] --trainable ffn trains feed-forward networks, found a model of architecture {}, which "
                      "has adapters in them; auto trains these, all trains everything",
                      config.architecture()));
    return {.train = {"*.mlp.*"}};
  }
  moe::TrainByName chosen = post_training_weights(config);
  if (name == "frozen-routers") {
    if (!config.moe || is_adapted)
      throw UsageError(
          fmt::format("[train] --trainable frozen-routers needs routers to freeze, found a model of architecture {}; "
                      "upcycle makes a mixture of a dense model",
                      config.architecture()));
    chosen.freeze.emplace_back("*.gate.weight");
  }
  return chosen;
}

bool has_constant_gates(const ModelConfig& config) {
  return config.moe && work_of(*config.moe).has_constant_gates(*config.moe);
}

}  // namespace multipl_moe
