/// Makes a Transformer from a ModelConfig, all matrices zero.
#pragma once

#include <type_traits>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/transformer.hpp"

namespace multipl_moe {

/// Whether the attention's projections get adapters of the mixture's rank.
bool adapts_attention(const MoeConfig& moe);

/// One decoder layer with make_mlp(config) as its FFN and attention of the given shape; norm weights are 1, everything
/// else 0.
template <class MakeMlp>
auto make_block(const ModelConfig& config, const AttentionShape& shape, const MakeMlp& make_mlp) {
  using Mlp = std::invoke_result_t<MakeMlp, const ModelConfig&>;
  using Norm = RmsNorm<typename Mlp::Value, typename Mlp::Backend>;
  Block<Mlp> block{Norm(config.hidden_size, config.rms_norm_eps),
                   Norm(config.hidden_size, config.rms_norm_eps),
                   {config.hidden_size,
                    shape,
                    {.rotation = config.rotation(),
                     .has_bias = config.attention_bias,
                     .has_norms = config.qk_norm,
                     .norm_epsilon = config.rms_norm_eps}},
                   make_mlp(config)};
  if (config.moe && adapts_attention(*config.moe))
    block.self_attn.for_each_projection([&](const char*, auto& projection) {
      projection.adapt(moe::AdapterSize::lora(config.moe->lora_rank, config.moe->lora_alpha));
    });
  return block;
}

/// The attention shape of layer `layer`.
inline AttentionShape attention_shape(const ModelConfig& config, std::int64_t layer) {
  return {config.num_attention_heads, config.num_key_value_heads, config.head_dim(), config.window_of(layer)};
}

/// The whole model with make_mlp(config) as every layer's FFN; norm weights are 1, everything else is 0.
template <class MakeMlp>
auto make_transformer(const ModelConfig& config, const MakeMlp& make_mlp) {
  using Mlp = std::invoke_result_t<MakeMlp, const ModelConfig&>;
  using Value = typename Mlp::Value;
  using B = typename Mlp::Backend;
  Transformer<Mlp> model;
  model.embed_tokens.table = moe::Linear<Value, B>::without_bias(config.hidden_size, config.vocab_size);
  for (moe::Index l = 0; l < config.num_hidden_layers; ++l)
    model.layers.push_back(make_block(config.of_layer(l), attention_shape(config, l), make_mlp));
  model.norm = RmsNorm<Value, B>(config.hidden_size, config.rms_norm_eps);
  model.is_tied = config.tie_word_embeddings;
  if (!model.is_tied) model.lm_head = moe::Linear<Value, B>::without_bias(config.hidden_size, config.vocab_size);
  return model;
}

}  // namespace multipl_moe
