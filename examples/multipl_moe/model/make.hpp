/// From a ModelConfig to a Transformer of the fitting type, all matrices zero.
#pragma once

#include <type_traits>

#include "moe/layers/presets.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/transformer.hpp"

namespace multipl_moe {

/// The layer types that config.json can name, for one backend. The balance loss over all experts is the one over the
/// routed ones with nobody left out, so one type serves both.
template <class Value, class B>
struct Architectures {
  using Dense = moe::SwiGlu<Value, B>;
  using TopK = moe::Mixtral<Value, B>;
  using Qwen15Moe = moe::Qwen15Moe<Value, B>;
  template <class Fusion>
  using Paper = moe::MultiPlMoe<Value, B, Fusion, moe::BalanceOverRouted>;
  template <class Fusion>
  using Causal = moe::CausalMultiPlMoe<Value, B, Fusion, moe::BalanceOverRouted>;
};

/// Calls use(std::type_identity<Mlp>()) with the layer type that `config` names.
template <class Value, class B, class Use>
auto with_architecture(const ModelConfig& config, const Use& use) {
  using A = Architectures<Value, B>;
  if (!config.moe) return use(std::type_identity<typename A::Dense>());
  const MoeConfig& m = *config.moe;
  if (m.architecture == "gshard" || m.architecture == "mixtral") return use(std::type_identity<typename A::TopK>());
  if (m.architecture == "qwen1.5-moe") return use(std::type_identity<typename A::Qwen15Moe>());
  const auto with_fusion = [&]<class Fusion>() {
    if (m.architecture == "multipl-moe") return use(std::type_identity<typename A::template Paper<Fusion>>());
    return use(std::type_identity<typename A::template Causal<Fusion>>());
  };
  return m.fusion == "normalised" ? with_fusion.template operator()<moe::NormalisedFusion>()
                                  : with_fusion.template operator()<moe::FixedFusion>();
}

/// MultiPL-MoE's layer, paper or causal.
template <class Mlp>
Mlp make_multipl(const ModelConfig& config) {
  const MoeConfig& m = *config.moe;
  Mlp layer = moe::make_multipl<Mlp>({.width = config.hidden_size,
                                      .hidden = config.expert_width(),
                                      .token_experts = m.num_token_experts,
                                      .segment_experts = m.num_segment_experts,
                                      .k = m.num_experts_per_tok,
                                      .shared = m.shared_expert_index,
                                      .window = m.segment_window,
                                      .capacity_factor = m.segment_capacity_factor,
                                      .token_weight = m.fusion_token_weight,
                                      .segment_weight = m.fusion_segment_weight,
                                      .threshold_beta = m.threshold_beta});
  if (m.balance == "all") layer.token.balance.shared = -1;
  return layer;
}

/// One layer in place of the dense FFN.
template <class Mlp>
Mlp make_mlp(const ModelConfig& config) {
  using A = Architectures<typename Mlp::Value, typename Mlp::Backend>;
  const moe::Index width = config.hidden_size, hidden = config.expert_width();
  if constexpr (std::is_same_v<Mlp, typename A::Dense>) {
    return Mlp(width, hidden);
  } else {
    const MoeConfig& m = *config.moe;
    using Bank = moe::ExpertBank<moe::SwiGlu<typename Mlp::Value, typename Mlp::Backend>>;
    if constexpr (std::is_same_v<Mlp, typename A::TopK>)
      return Mlp(moe::TopK{.k = m.num_experts_per_tok}, {}, {}, Bank(m.num_token_experts, width, hidden));
    else if constexpr (std::is_same_v<Mlp, typename A::Qwen15Moe>)
      return Mlp(moe::TopK{.k = m.num_experts_per_tok}, {}, {}, Bank(m.num_token_experts, width, hidden),
                 {width, m.shared_expert_intermediate_size});
    else
      return make_multipl<Mlp>(config);
  }
}

/// The whole model; norms are 1, everything else 0.
template <class Mlp>
Transformer<Mlp> make_transformer(const ModelConfig& config) {
  using Value = typename Mlp::Value;
  using B = typename Mlp::Backend;
  const AttentionShape shape{config.num_attention_heads, config.num_key_value_heads, config.head_dim()};
  Transformer<Mlp> model;
  model.embed_tokens.weight = moe::Matrix<Value, B>(config.vocab_size, config.hidden_size);
  for (moe::Index l = 0; l < config.num_hidden_layers; ++l)
    model.layers.push_back({RmsNorm<Value, B>(config.hidden_size, config.rms_norm_eps),
                            RmsNorm<Value, B>(config.hidden_size, config.rms_norm_eps),
                            Attention<Value, B>(config.hidden_size, shape, config.rope_theta), make_mlp<Mlp>(config)});
  model.norm = RmsNorm<Value, B>(config.hidden_size, config.rms_norm_eps);
  model.lm_head = moe::Linear<Value, B>::without_bias(config.hidden_size, config.vocab_size);
  return model;
}

}  // namespace multipl_moe
