#include "multipl_moe/model/trainable.hpp"

#include "support/catch.hpp"

namespace trainable_test {

using namespace multipl_moe;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("MultiPL-MoE trains new experts and routers only, for any shared expert", "[model]") {
  ModelConfig config = size_named("demo");
  config.moe = mixture_named("causal-multipl-moe");
  config.moe->shared_expert_index = 4;
  const auto trains = post_training_weights(config);
  CHECK(trains("model.layers.1.mlp.token.gate.weight"));
  CHECK(trains("model.layers.1.mlp.token.experts.0.up_proj.weight"));
  CHECK(trains("model.layers.1.mlp.segment.experts.4.up_proj.weight"));
  CHECK(trains("model.layers.1.mlp.segment.first_segment"));
  CHECK_FALSE(trains("model.layers.1.mlp.token.experts.4.up_proj.weight"));
  CHECK_FALSE(trains("model.layers.1.self_attn.q_proj.weight"));
  CHECK_FALSE(trains("model.layers.1.input_layernorm.weight"));
  CHECK_FALSE(trains("model.embed_tokens.weight"));
  CHECK_FALSE(trains("lm_head.weight"));
}

TEST_CASE("a mixture without a segment level trains its experts and its router, and no dense FFN", "[model]") {
  ModelConfig config = size_named("demo");
  config.moe = mixture_named("multipl-moe-without-segments");
  config.dense_layers = {0};
  const auto trains = post_training_weights(config);
  CHECK(trains("model.layers.1.mlp.experts.1.up_proj.weight"));
  CHECK(trains("model.layers.1.mlp.gate.weight"));
  CHECK_FALSE(trains("model.layers.1.mlp.experts.0.up_proj.weight"));
  CHECK_FALSE(trains("model.layers.0.mlp.up_proj.weight"));
  CHECK_FALSE(trains("model.layers.0.mlp.gate_proj.weight"));
}

TEST_CASE("LoRA and MoLE train adapters only", "[model]") {
  ModelConfig config = size_named("demo");
  for (const char* name : {"lora", "mole"}) {
    config.moe = mixture_named(name);
    const auto trains = post_training_weights(config);
    CHECK(trains("model.layers.1.mlp.gate_proj.lora_A.weight"));
    CHECK(trains("model.layers.1.mlp.down_proj.adapters.7.lora_B.weight"));
    CHECK(trains("model.layers.1.self_attn.q_proj.lora_B.weight"));
    for (const char* frozen : {"model.layers.1.mlp.gate_proj.weight", "model.layers.1.self_attn.q_proj.bias",
                               "model.layers.0.input_layernorm.weight", "model.embed_tokens.weight", "lm_head.weight"})
      CHECK_FALSE(trains(frozen));
  }
}

TEST_CASE("the option --trainable ffn trains the feed-forward networks, or what is in their place", "[model]") {
  ModelConfig config = size_named("demo");
  const auto check_frozen_parts = [&] {
    const auto trains = trainable_named("ffn", config);
    for (const char* frozen : {"model.layers.1.self_attn.q_proj.weight", "model.layers.0.input_layernorm.weight",
                               "model.layers.0.post_attention_layernorm.weight", "model.embed_tokens.weight",
                               "model.norm.weight", "lm_head.weight"})
      CHECK_FALSE(trains(frozen));
    return trains;
  };
  CHECK(check_frozen_parts()("model.layers.1.mlp.gate_proj.weight"));
  config.moe = mixture_named("causal-multipl-moe");
  // The shared expert, too, which auto leaves as it is.
  for (const char* name :
       {"model.layers.1.mlp.token.experts.0.up_proj.weight", "model.layers.0.mlp.segment.gate.weight"})
    CHECK(check_frozen_parts()(name));
  config.moe = mixture_named("lora");
  CHECK_THROWS_WITH(trainable_named("ffn", config), ContainsSubstring("found a model of architecture lora"));
}

TEST_CASE("the option --trainable frozen-routers trains what auto does, but no router", "[model]") {
  ModelConfig config = size_named("demo");
  CHECK_THROWS_WITH(trainable_named("frozen-routers", config), ContainsSubstring("architecture dense"));
  for (const char* name : {"multipl-moe", "multipl-moe-without-segments", "mixtral", "qwen1.5-moe", "gshard"}) {
    CAPTURE(name);
    config.moe = mixture_named(name);
    const auto trains = trainable_named("frozen-routers", config), usual = trainable_named("auto", config);
    for (const char* router : {"model.layers.1.mlp.gate.weight", "model.layers.1.mlp.token.gate.weight",
                               "model.layers.0.mlp.segment.gate.weight"})
      CHECK_FALSE(trains(router));
    for (const char* other :
         {"model.layers.1.mlp.token.experts.3.gate_proj.weight", "model.layers.1.mlp.experts.3.up_proj.weight",
          "model.layers.1.mlp.token.experts.0.up_proj.weight", "model.layers.1.mlp.shared_expert_gate.weight",
          "lm_head.weight"})
      CHECK(trains(other) == usual(other));
  }
  config.moe = mixture_named("mole");
  CHECK_THROWS_WITH(trainable_named("frozen-routers", config), ContainsSubstring("architecture mole"));
  CHECK(trainable_named("all", config)("lm_head.weight"));
}

TEST_CASE("other architectures train all weights", "[model]") {
  ModelConfig config = size_named("demo");
  CHECK(post_training_weights(config)("lm_head.weight"));
  config.moe = mixture_named("mixtral");
  CHECK(post_training_weights(config)("model.layers.1.mlp.experts.0.up_proj.weight"));
}

}  // namespace trainable_test
