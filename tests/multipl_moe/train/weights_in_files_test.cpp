/// Models whose matrices stay in their files: the bits of loaded models, for every architecture.
#include <algorithm>

#include "../model/small_model.hpp"
#include "moe/weights_in_file.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "tiny_run.hpp"

namespace weights_in_files_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<Token> tokens_of(std::int64_t count) {
  moe::testing::Draw draw("tokens", 1);
  std::vector<Token> tokens;
  for (std::int64_t t = 0; t < count; ++t) tokens.push_back(static_cast<Token>(draw.between(0, 18)));
  return tokens;
}

/// Scores, logits after a text, and logits of decoding.
std::vector<double> results_of(const LanguageModel& model) {
  const std::vector<Token> text = tokens_of(40), targets = tokens_of(41);
  const TokenScores scores = model.score({2, 20, text, std::span(targets).subspan(1)});
  std::vector<double> results = scores.losses;
  const auto add = [&](const std::vector<float>& logits) {
    results.insert(results.end(), logits.begin(), logits.end());
  };
  add(model.logits_after(std::span(text).first(7)));
  if (!model.is_causal()) return results;
  const auto decoding = model.begin_decoding();
  add(decoding->join(std::span(text).first(9)));
  add(decoding->join(std::span(text).first(3)));
  for (std::size_t t = 9; t < 14; ++t) add(decoding->next(std::span(text).subspan(t, 2)));
  return results;
}

std::unique_ptr<LanguageModel> model_of(const ModelConfig& config) {
  auto model = make_language_model(config, 2);
  model->initialize(3, 0.3);
  return model;
}

void check_same_results(const ModelConfig& config, const SaveOptions& options) {
  const ScratchFolder scratch;
  save_model(*model_of(config), scratch / "model", options);
  const auto loaded = load_model(scratch / "model", 2), in_files = load_model_in_files(scratch / "model", 2, "");
  INFO(config.architecture());
  CHECK(results_of(*in_files) == results_of(*loaded));
}

}  // namespace

TEST_CASE("a model of any architecture gives the same results from its files", "[train]") {
  const SaveOptions bfloat16{.torch_dtype = "bfloat16", .max_shard_bytes = 4000};
  check_same_results(small_config(), bfloat16);
  ModelConfig tied = small_config();
  tied.tie_word_embeddings = true;
  check_same_results(tied, bfloat16);
  check_same_results(tied, {.torch_dtype = "float32"});
  for (const char* architecture : {"multipl-moe", "causal-multipl-moe", "multipl-moe-literal", "multipl-moe-released",
                                   "multipl-moe-without-segments", "gshard", "mixtral", "qwen1.5-moe", "lora", "mole"})
    check_same_results(small_config(small_mixture(architecture)), bfloat16);
  for (const char* fusion : {"normalized", "scalar", "channel", "matrix"})
    check_same_results(small_config(small_mixture("causal-multipl-moe", fusion)), bfloat16);
}

TEST_CASE("a model whose matrices are in files neither trains nor is saved", "[train]") {
  const ScratchFolder scratch;
  save_model(*model_of(small_config()), scratch / "model", {.torch_dtype = "bfloat16"});
  const auto model = load_model_in_files(scratch / "model", 1, "");
  CHECK_THROWS_WITH(model->tensors(), "[weights] weights that stay in their file cannot be read or written as a whole");
  CHECK_THROWS_WITH(model->begin_training(post_training_weights(model->config())),
                    "[weights] weights that stay in their file cannot be trained");
  CHECK_THROWS_AS(save_model(*model, scratch / "copy"), Failure);
  CHECK_FALSE(std::filesystem::exists(scratch / "copy"));
}

TEST_CASE("only matrices in BF16 or F32 can stay in files", "[train]") {
  const ScratchFolder scratch;
  for (const char* dtype : {"float32", "bfloat16", "float16"})
    save_model(*model_of(small_config()), scratch / dtype, {.torch_dtype = dtype});
  CHECK(matrix_not_for_files(scratch / "float32").empty());
  CHECK(matrix_not_for_files(scratch / "bfloat16").empty());
  CHECK(matrix_not_for_files(scratch / "float16") == "model.embed_tokens.weight in F16");
}

}  // namespace weights_in_files_test
