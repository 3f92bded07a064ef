/// Models small enough to check in double.
#pragma once

#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "moe/layers/presets.hpp"
#include "moe/train/walk.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/make.hpp"
#include "support/random_tensors.hpp"

namespace multipl_moe::testing {

inline ModelConfig small_config(std::optional<MoeConfig> moe = {}) {
  ModelConfig config;
  config.hidden_size = 16;
  config.intermediate_size = 24;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 4;
  config.num_key_value_heads = 2;
  config.vocab_size = 19;
  config.max_position_embeddings = 256;
  config.rope_theta = 100;
  config.moe = std::move(moe);
  return config;
}

inline MoeConfig small_mixture(std::string architecture, std::string fusion = "fixed") {
  MoeConfig moe;
  moe.architecture = std::move(architecture);
  moe.fusion = std::move(fusion);
  moe.num_token_experts = 4;
  moe.num_segment_experts = 3;
  moe.segment_window = 4;
  if (moe.architecture.ends_with("without-segments")) moe.num_segment_experts = 0;
  if (moe.architecture.find("multipl-moe") == std::string::npos) {
    moe.num_segment_experts = 0;
    moe.shared_expert_index = -1;
    if (moe.architecture == "mole") moe.languages = {"python", "java", "cpp", "rust", "go", "ruby"};
    moe.lora_rank = 3;
    moe.language_rank = 2;
    moe.shared_rank = 4;
    if (moe.architecture == "qwen1.5-moe") {
      moe.moe_intermediate_size = 8;
      moe.shared_expert_intermediate_size = 28;
    }
  }
  return moe;
}

/// The layer types of the tests.
template <class Value, class B>
struct Architectures {
  using Dense = moe::SwiGlu<Value, B>;
  using TopK = moe::Mixtral<Value, B>;
  using Qwen15Moe = moe::Qwen15Moe<Value, B>;
  using Lora = moe::LoraFeedForward<Value, B>;
  template <class Fusion>
  using Paper = moe::MultiPlMoe<Value, B, Fusion, moe::BalanceOverRouted>;
  template <class Fusion>
  using Causal = moe::CausalMultiPlMoe<Value, B, Fusion, moe::BalanceOverRouted>;
};

/// A layer of MultiPL-MoE, as in the paper or causal.
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
  if (m.balance == "all") layer.token.routing.balance.shared = -1;
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
    else if constexpr (std::is_same_v<Mlp, typename A::Lora>)
      return moe::make_lora(typename A::Dense(width, hidden), m.lora_rank, m.lora_alpha);
    else
      return make_multipl<Mlp>(config);
  }
}

/// Draws all weights, norms near 1.
template <class Mlp>
Transformer<Mlp> randomized(Transformer<Mlp> model, std::uint32_t stream, double deviation = 0.4) {
  moe::testing::Draw draw("model", stream);
  moe::for_each_parameter(
      [&](const std::string& name, auto& weight) {
        moe::testing::fill_normal(draw, weight.view(), deviation);
        if (name.find("norm") == std::string::npos) return;
        for (moe::Index i = 0; i < weight.size(); ++i) weight.data()[i] = 1 + weight.data()[i] / 4;
      },
      model);
  return model;
}
template <class Mlp>
Transformer<Mlp> random_model(const ModelConfig& config, std::uint32_t stream, double deviation = 0.4) {
  return randomized(make_transformer(config, make_mlp<Mlp>), stream, deviation);
}

inline std::vector<std::int32_t> random_tokens(moe::Index count, std::int32_t vocabulary, std::uint32_t stream) {
  moe::testing::Draw draw("tokens", stream);
  std::vector<std::int32_t> tokens;
  for (moe::Index t = 0; t < count; ++t) tokens.push_back(static_cast<std::int32_t>(draw.between(0, vocabulary - 1)));
  return tokens;
}

}  // namespace multipl_moe::testing
