/// Models small enough to check in double.
#pragma once

#include <optional>
#include <string>
#include <vector>

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
  if (!moe.architecture.ends_with("multipl-moe")) {
    moe.num_segment_experts = 0;
    moe.shared_expert_index = -1;
    moe.shared_expert_intermediate_size = moe.architecture == "qwen1.5-moe" ? 20 : 0;
  }
  return moe;
}

/// Random weights, norms near 1.
template <class Mlp>
Transformer<Mlp> random_model(const ModelConfig& config, std::uint32_t stream, double deviation = 0.4) {
  moe::testing::Draw draw("model", stream);
  auto model = make_transformer<Mlp>(config);
  moe::for_each_parameter(
      [&](const std::string& name, auto& weight) {
        moe::testing::fill_normal(draw, weight.view(), deviation);
        if (name.find("norm") == std::string::npos) return;
        for (moe::Index i = 0; i < weight.size(); ++i) weight.data()[i] = 1 + weight.data()[i] / 4;
      },
      model);
  return model;
}

inline std::vector<std::int32_t> random_tokens(moe::Index count, std::int32_t vocabulary, std::uint32_t stream) {
  moe::testing::Draw draw("tokens", stream);
  std::vector<std::int32_t> tokens;
  for (moe::Index t = 0; t < count; ++t) tokens.push_back(static_cast<std::int32_t>(draw.between(0, vocabulary - 1)));
  return tokens;
}

}  // namespace multipl_moe::testing
