#include "multipl_moe/model/parameter_count.hpp"

#include "support/catch.hpp"

namespace parameter_count_test {

using namespace multipl_moe;

namespace {

ParameterCount parameter_count(const char* architecture) {
  ModelConfig config = size_named("qwen1.5-1.8b");
  config.moe = mixture_named(architecture);
  return parameter_count_of(config);
}

}  // namespace

TEST_CASE("the systems of the paper's Table 1 have its parameters", "[model]") {
  CHECK(parameter_count("dense").total == 1836828672);
  CHECK(parameter_count("dense").active == 1836828672);
  for (const char* name : {"multipl-moe", "causal-multipl-moe"}) {
    CHECK(parameter_count(name).total == 10764994560);
    CHECK(parameter_count(name).active == 3460614144);
    CHECK(parameter_count(name).trainable == 8928165888);
  }
  CHECK(parameter_count("multipl-moe").first_segments == 0);
  CHECK(parameter_count("causal-multipl-moe").first_segments == 24 * 2048);
  CHECK(parameter_count("gshard").total == 10764994560);
  CHECK(parameter_count("gshard").active == 3460614144);
  CHECK(parameter_count("mixtral").total == 7518406656);
  CHECK(parameter_count("mixtral").active == 2648819712);
  CHECK(parameter_count("qwen1.5-moe").total == 14315784192);
  CHECK(parameter_count("qwen1.5-moe").active == 2689173504);
}

TEST_CASE("published Qwen3 models have their parameters", "[model]") {
  const ParameterCount dense = parameter_count_of(parse_config(R"({
    "model_type": "qwen3", "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28,
    "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
    "max_position_embeddings": 40960, "rope_theta": 1000000, "tie_word_embeddings": true, "attention_bias": false,
    "max_window_layers": 28, "sliding_window": null, "use_sliding_window": false})",
                                                               "Qwen3-0.6B"));
  CHECK(dense.total == 596049920);
  CHECK(dense.norms == 28 * (2 * 1024 + 2 * 128) + 1024);
  const ParameterCount mixture = parameter_count_of(parse_config(R"({
    "model_type": "qwen3_moe", "hidden_size": 2048, "intermediate_size": 6144, "moe_intermediate_size": 768,
    "num_hidden_layers": 48, "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128, "num_experts": 128,
    "num_experts_per_tok": 8, "norm_topk_prob": true, "decoder_sparse_step": 1, "mlp_only_layers": [],
    "vocab_size": 151936, "max_position_embeddings": 40960, "rope_theta": 1000000.0, "tie_word_embeddings": false})",
                                                                 "Qwen3-30B-A3B"));
  CHECK(mixture.total == 30532122624);
  // 8 of 128 experts process a token.
  CHECK(mixture.active == mixture.total - 48LL * 120 * 3 * 2048 * 768);
}

TEST_CASE("a LoRA of rank 8 adds the parameters of its adapters", "[model]") {
  const ParameterCount lora = parameter_count("lora");
  // q, k, v, o: 2048 to 2048; gate, up, down: between 2048 and 5504; 24 layers.
  CHECK(lora.trainable == 24 * 8 * (4 * (2048 + 2048) + 3 * (2048 + 5504)));
  CHECK(lora.trainable == 7495680);
  CHECK(lora.total == 1836828672 + 7495680);
  CHECK(lora.active == lora.total);
}

TEST_CASE("a MoLE's adapters count with their own ranks, without padding", "[model]") {
  const ParameterCount mole = parameter_count("mole");
  const std::int64_t of_rank_1 = 24 * 3 * (2048 + 5504);
  CHECK(mole.adapters == of_rank_1 * (6 * 16 + 48 + 64));
  CHECK(mole.trainable == mole.adapters);
  CHECK(mole.total == 1836828672 + mole.adapters);
  CHECK(mole.active == 1836828672 + of_rank_1 * (16 + 48));
  CHECK(mole.filling == of_rank_1 * (6 * 48 + 16));
}

TEST_CASE("the width of Qwen1.5-MoE's experts follows from that of the dense FFN", "[model]") {
  CHECK(mixture_named("qwen1.5-moe", 5504)->moe_intermediate_size == 1408);
  CHECK(mixture_named("qwen1.5-moe", 5504)->shared_expert_intermediate_size == 5632);
  CHECK(mixture_named("qwen1.5-moe", 344)->moe_intermediate_size == 128);
  CHECK(mixture_named("qwen1.5-moe", 344)->shared_expert_intermediate_size == 512);
  CHECK(mixture_named("qwen1.5-moe", 512)->moe_intermediate_size == 128);
  CHECK(mixture_named("qwen1.5-moe", 513)->moe_intermediate_size == 256);
}

TEST_CASE("the parts of a parameter count add up to the total", "[model]") {
  for (const char* name : {"dense", "multipl-moe", "gshard", "qwen1.5-moe", "lora", "mole"}) {
    const ParameterCount c = parameter_count(name);
    CHECK(c.embedding + c.attention + c.experts + c.adapters + c.routers + c.norms == c.total);
  }
}

}  // namespace parameter_count_test
