/// Models whose matrices stay in their files: results are bitwise identical to those of loaded models, for every
/// architecture.
#include <algorithm>
#include <functional>
#include <map>

#include "../model/small_model.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/safetensors.hpp"
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

void check_same_results(const std::filesystem::path& folder, ModelDtype dtype = ModelDtype::float32) {
  const auto loaded = load_model(folder, 2, dtype), in_files = load_model_in_files(folder, 2, dtype);
  CHECK(results_of(*in_files) == results_of(*loaded));
}
void check_same_results(const ModelConfig& config, const SaveOptions& options) {
  const ScratchFolder scratch;
  save_model(*model_of(config), scratch / "model", options);
  INFO(config.architecture());
  check_same_results(scratch / "model");
  if (options.torch_dtype == "bfloat16") check_same_results(scratch / "model", ModelDtype::bfloat16);
}

/// Writes tensors in BF16, with their values from `values`.
void write_narrow(const std::filesystem::path& folder, const std::vector<PlannedTensor>& tensors,
                  const std::function<std::vector<float>(const std::string&)>& values) {
  ShardedWriter writer(folder, "model", tensors, 5000);
  for (const PlannedTensor& tensor : writer.order()) writer.write_floats(values(tensor.name));
  writer.finish();
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

TEST_CASE("experts in one tensor, and a head that is the only table, are read in their files", "[train]") {
  const ScratchFolder scratch;
  ModelConfig config = small_config(small_mixture("mixtral"));
  config.tie_word_embeddings = true;
  const auto model = model_of(config);
  save_model(*model, scratch / "model", {.torch_dtype = "bfloat16"});
  std::map<std::string, TensorRef> slots;
  for (const TensorRef& slot : model->tensors()) slots[slot.name] = slot;
  const std::int64_t experts = config.moe->num_token_experts, width = config.hidden_size,
                     hidden = config.expert_width();

  // As newer versions of transformers store it: all experts of a layer in two tensors.
  std::vector<PlannedTensor> fused;
  for (const auto& [name, slot] : slots)
    if (name.find(".mlp.experts.") == name.npos)
      fused.push_back({name == "model.embed_tokens.weight" ? "lm_head.weight" : name, "BF16", slot.shape});
  for (std::int64_t l = 0; l < config.num_hidden_layers; ++l) {
    const std::string prefix = "model.layers." + std::to_string(l) + ".mlp.experts.";
    fused.push_back({prefix + "gate_up_proj", "BF16", {experts, 2 * hidden, width}});
    fused.push_back({prefix + "down_proj", "BF16", {experts, width, hidden}});
  }
  std::filesystem::remove(scratch / "model/model.safetensors");
  std::filesystem::remove(scratch / "model/MANIFEST");
  write_narrow(scratch / "model", fused, [&](const std::string& name) {
    std::vector<float> values;
    const auto add = [&](const std::string& part) {
      const auto own = slots.at(part).floats();
      values.insert(values.end(), own.begin(), own.end());
    };
    const std::size_t at = name.find(".mlp.experts.");
    if (at == name.npos) {
      add(name == "lm_head.weight" ? "model.embed_tokens.weight" : name);
      return values;
    }
    for (std::int64_t e = 0; e < experts; ++e) {
      const std::string expert = name.substr(0, at) + ".mlp.experts." + std::to_string(e) + ".";
      if (name.ends_with("down_proj")) {
        add(expert + "down_proj.weight");
      } else {
        add(expert + "gate_proj.weight");
        add(expert + "up_proj.weight");
      }
    }
    return values;
  });
  check_same_results(scratch / "model");
}

TEST_CASE("a matrix that is not aligned in its file is named", "[train]") {
  const ScratchFolder scratch;
  save_model(*model_of(small_config()), scratch / "model", {.torch_dtype = "bfloat16"});
  const auto file = scratch / "model/model.safetensors";
  std::string bytes = get_bytes(file);
  // A header that is one byte longer; the format only recommends a multiple of 8.
  auto length = static_cast<unsigned char>(bytes[0]) + 256u * static_cast<unsigned char>(bytes[1]);
  bytes.insert(8 + length, " ");
  ++length;
  bytes[0] = static_cast<char>(length % 256), bytes[1] = static_cast<char>(length / 256);
  put_bytes(file, bytes);
  CHECK_THAT(matrix_not_for_files(scratch / "model"), ContainsSubstring("model.embed_tokens.weight in BF16 at byte "));
  CHECK_THROWS_WITH(load_model_in_files(scratch / "model", 1),
                    ContainsSubstring("every matrix must be one that can stay in its file, found "));
  CHECK(results_of(*load_model(scratch / "model", 1)).size() > 0);
}

TEST_CASE("a model whose matrices are in files neither trains nor is saved", "[train]") {
  const ScratchFolder scratch;
  save_model(*model_of(small_config()), scratch / "model", {.torch_dtype = "bfloat16"});
  const auto model = load_model_in_files(scratch / "model", 1);
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
  CHECK_THAT(matrix_not_for_files(scratch / "float16"), ContainsSubstring("model.embed_tokens.weight in F16 at byte "));
  CHECK(matrix_not_for_files(scratch / "bfloat16", ModelDtype::bfloat16).empty());
  CHECK_THAT(matrix_not_for_files(scratch / "float32", ModelDtype::bfloat16),
             ContainsSubstring("model.embed_tokens.weight in F32 at byte "));
}

}  // namespace weights_in_files_test
