#include "multipl_moe/model/inference_plan.hpp"

#include <algorithm>
#include <string>

#include "multipl_moe/model/language_model.hpp"
#include "support/catch.hpp"

namespace inference_plan_test {

using namespace multipl_moe;

namespace {

ModelConfig mixture(const char* architecture) {
  ModelConfig config = size_named("tiny");
  config.moe = mixture_named(architecture, config.intermediate_size);
  return config;
}

std::int64_t part(const std::vector<MemoryPart>& parts, std::string_view name) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const MemoryPart& p) { return p.name == name; });
  return found == parts.end() ? 0 : found->bytes;
}

}  // namespace

TEST_CASE("a plan has the size of a loaded model's weights", "[memory]") {
  for (const char* architecture : {"dense", "causal-multipl-moe", "mixtral", "lora"}) {
    INFO(architecture);
    const ModelConfig config = mixture(architecture);
    std::size_t bytes = 0;
    for (const TensorRef& slot : make_language_model(config, 1)->tensors()) bytes += slot.bytes;
    CHECK(weights_in_memory(config).bytes == static_cast<std::int64_t>(bytes));
    CHECK(weights_in_memory(config).is_fixed);
  }
}

TEST_CASE("bfloat16 copies for decoding are made of every matrix but the embedding", "[memory]") {
  const ModelConfig config = size_named("tiny");
  const std::int64_t width = config.hidden_size, kv = config.num_key_value_heads * config.head_dim();
  const std::int64_t layer = 2 * width * width + 2 * width * kv + 3 * width * config.intermediate_size;
  CHECK(copies_for_decoding(config, DecodingWeights::bfloat16).bytes ==
        2 * (config.num_hidden_layers * layer + config.vocab_size * width));
}

TEST_CASE("keys and values are planned for the longest texts of a batch, with the cache's capacity", "[memory]") {
  const ModelConfig config = size_named("tiny");
  const std::int64_t token = 4 * config.num_hidden_layers * 2 * config.num_key_value_heads * config.head_dim();
  const auto keys = [&](const GenerationSize& size) { return part(generation_plan(config, size), "keys and values"); };
  // At least 64 rows, else twice the prompt, and doubled whenever they are full.
  CHECK(keys({.prompt_tokens = {3}, .new_tokens = 10}) == 64 * token);
  CHECK(keys({.prompt_tokens = {100}, .new_tokens = 100}) == 200 * token);
  CHECK(keys({.prompt_tokens = {100}, .new_tokens = 101}) == 400 * token);
  CHECK(keys({.prompt_tokens = {3, 100, 40}, .new_tokens = 10, .batch = 2}) == (200 + 80) * token);
  CHECK(keys({.prompt_tokens = {3}, .new_tokens = 10, .batch = 8}) == 64 * token);
}

TEST_CASE("a non-causal model has no KV cache, and a pass over the whole text", "[memory]") {
  const GenerationSize size{.prompt_tokens = {50}, .new_tokens = 50, .copies = DecodingWeights::bfloat16};
  const auto ahead = generation_plan(mixture("multipl-moe"), size);
  const auto causal = generation_plan(mixture("causal-multipl-moe"), size);
  CHECK(part(ahead, "keys and values") == 0);
  CHECK(part(ahead, "copies of them in bfloat16") == 0);
  CHECK(part(causal, "keys and values") > 0);
  CHECK(part(causal, "copies of them in bfloat16") ==
        copies_for_decoding(mixture("causal-multipl-moe"), DecodingWeights::bfloat16).bytes);
  const auto of_prompt = generation_plan(mixture("multipl-moe"), {.prompt_tokens = {50}, .new_tokens = 0});
  CHECK(part(ahead, "activations") == 2 * part(of_prompt, "activations"));
  // With thresholds every segment expert may take a segment, which the capacity of the other model does not allow.
  CHECK(part(causal, "activations") > part(of_prompt, "activations"));
}

TEST_CASE("copies in 8 bits have a byte for each weight and two for each group of 32 in a row", "[memory]") {
  ModelConfig config = mixture("causal-multipl-moe");
  config.vocab_size = 100, config.hidden_size = 64;
  const auto bytes = [&](DecodingWeights copies) { return copies_for_decoding(config, copies).bytes; };
  const std::int64_t int8 = bytes(DecodingWeights::int8), bfloat16 = bytes(DecodingWeights::bfloat16);
  CHECK(int8 >= bfloat16 / 2 * 34 / 32);
  config.vocab_size += 3;
  CHECK(bytes(DecodingWeights::int8) - int8 == 3 * (64 + 2 * 2));
  CHECK(bytes(DecodingWeights::bfloat16) - bfloat16 == 3 * 64 * 2);
}

TEST_CASE("scoring needs a batch, a chunk of logits, one text, and the observed routing decisions", "[memory]") {
  const ModelConfig config = mixture("causal-multipl-moe");
  const auto plan = [&](const ScoringSize& size) { return scoring_plan(config, size); };
  const auto one = plan({.sequences = 1, .length = 64, .text_tokens = 1000});
  CHECK(part(plan({.sequences = 4, .length = 64, .text_tokens = 1000}), "activations") == 4 * part(one, "activations"));
  CHECK(part(plan({.sequences = 8, .length = 64}), "logits") == 256 * 4 * config.vocab_size);
  CHECK(part(one, "logits") == 64 * 4 * config.vocab_size);
  CHECK(part(plan({.text_tokens = 2000}), "text") == 2 * part(one, "text"));
  CHECK(part(one, "routing decisions") == 0);
  CHECK(part(plan({.length = 64, .is_observed = true}), "routing decisions") > 0);
}

}  // namespace inference_plan_test
