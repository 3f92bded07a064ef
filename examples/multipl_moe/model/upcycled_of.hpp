/// What the files in instances/ compile for their layer type.
#pragma once

#include <map>
#include <string>

#include "moe/train/upcycle.hpp"
#include "multipl_moe/model/instances/instances.hpp"
#include "multipl_moe/model/language_model_of.hpp"

namespace multipl_moe {

template <class Mlp>
std::unique_ptr<LanguageModel> InstanceOf<Mlp>::make(const ModelConfig& config, int threads) {
  return std::make_unique<LanguageModelOf<Mlp>>(config, threads);
}

template <class Mlp>
std::unique_ptr<LanguageModel> InstanceOf<Mlp>::upcycle(LanguageModel& dense, const ModelConfig& config,
                                                        std::uint64_t seed) {
  using Dense = moe::SwiGlu<float, moe::Cpu<>>;
  if constexpr (std::is_same_v<Mlp, Dense>) {
    throw UsageError("[upcycle] architecture must be a mixture of experts, found dense");
  } else {
    auto& base = dynamic_cast<LanguageModelOf<Dense>&>(dense).model();
    auto result = std::make_unique<LanguageModelOf<Mlp>>(config, dense.threads());
    auto& model = result->model();
    model.embed_tokens.weight = base.embed_tokens.weight.copy();
    model.norm.weight = base.norm.weight.copy();
    moe::copy_weights(base.lm_head, model.lm_head);
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
      const auto& from = base.layers[l];
      auto& to = model.layers[l];
      moe::copy_weights(from.input_norm, to.input_norm);
      moe::copy_weights(from.post_attention_norm, to.post_attention_norm);
      moe::copy_weights(from.self_attn, to.self_attn);
      moe::upcycle(result->context(), from.mlp, to.mlp, {.seed = seed}, "model.layers." + std::to_string(l) + ".mlp.");
    }
    return result;
  }
}

}  // namespace multipl_moe
