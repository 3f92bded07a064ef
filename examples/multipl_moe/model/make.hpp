/// From a ModelConfig to a Transformer, all matrices zero.
#pragma once

#include <type_traits>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/transformer.hpp"

namespace multipl_moe {

/// The whole model with make_mlp(config) as every layer's FFN; norms are 1, everything else is 0.
template <class MakeMlp>
auto make_transformer(const ModelConfig& config, const MakeMlp& make_mlp) {
  using Mlp = std::invoke_result_t<MakeMlp, const ModelConfig&>;
  using Value = typename Mlp::Value;
  using B = typename Mlp::Backend;
  const AttentionShape shape{config.num_attention_heads, config.num_key_value_heads, config.head_dim()};
  const QkvBias bias = config.attention_bias ? QkvBias::present : QkvBias::absent;
  Transformer<Mlp> model;
  model.embed_tokens.weight = moe::Matrix<Value, B>(config.vocab_size, config.hidden_size);
  for (moe::Index l = 0; l < config.num_hidden_layers; ++l)
    model.layers.push_back({RmsNorm<Value, B>(config.hidden_size, config.rms_norm_eps),
                            RmsNorm<Value, B>(config.hidden_size, config.rms_norm_eps),
                            Attention<Value, B>(config.hidden_size, shape, config.rope_theta, bias), make_mlp(config)});
  if (config.architecture() == "lora")
    for (auto& layer : model.layers)
      layer.self_attn.for_each_projection([&](const char*, auto& projection) {
        projection.adapt(moe::AdapterSize::lora(config.moe->lora_rank, config.moe->lora_alpha));
      });
  model.norm = RmsNorm<Value, B>(config.hidden_size, config.rms_norm_eps);
  model.lm_head = moe::Linear<Value, B>::without_bias(config.hidden_size, config.vocab_size);
  return model;
}

}  // namespace multipl_moe
