#include "multipl_moe/train/checkpoint.hpp"

#include <algorithm>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/safetensors.hpp"
#include "support/catch.hpp"
#include "tiny_run.hpp"

namespace checkpoint_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

void rewrite(const std::filesystem::path& folder, const std::vector<TensorView>& tensors) {
  write_safetensors(folder / "model.safetensors", tensors);
}

std::vector<TensorView> views_of(LanguageModel& model) {
  std::vector<TensorView> views;
  for (const TensorRef& slot : model.tensors())
    views.push_back({slot.name, "F32", slot.shape, std::as_bytes(std::span<const float>(slot.floats()))});
  return views;
}

}  // namespace

TEST_CASE("a saved mixture loads back equal, thresholds included", "[train]") {
  TinyRun run;
  MoeConfig moe = mixture_named("causal-multipl-moe").value();
  moe.segment_window = 8;
  const auto mixture = upcycled(*run.model, moe, {.seed = 4});
  save_model(*mixture, run.scratch / "model");
  const auto loaded = load_model(run.scratch / "model", 1);
  CHECK(loaded->config() == mixture->config());
  const auto a = mixture->tensors(), b = loaded->tensors();
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].name == b[i].name);
    CHECK(std::equal(a[i].floats().begin(), a[i].floats().end(), b[i].floats().begin(), b[i].floats().end()));
  }
}

TEST_CASE("a model is saved with the requested dtype and shard size", "[train]") {
  TinyRun run;
  MoeConfig moe = mixture_named("causal-multipl-moe").value();
  moe.segment_window = 8;
  const auto mixture = upcycled(*run.model, moe, {.seed = 4});
  const auto folder = run.scratch / "model";
  mixture->set_generation({.eos_token_id = {256}});
  save_model(*mixture, folder, {.torch_dtype = "bfloat16", .max_shard_bytes = 9000});
  const TensorFolder files = TensorFolder::open(folder);
  CHECK(files.files().size() > 5);
  CHECK_THAT(get_bytes(folder / "config.json"), ContainsSubstring("\"torch_dtype\": \"bfloat16\""));
  CHECK(read_generation_config(folder).eos_token_id == std::vector<std::int64_t>{256});
  const auto loaded = load_model(folder, 1);
  CHECK(loaded->generation() == mixture->generation());
  const auto a = mixture->tensors(), b = loaded->tensors();
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO(a[i].name);
    CHECK(files.entry(a[i].name).dtype == (a[i].is_buffer ? "F32" : "BF16"));
    for (std::size_t k = 0; k < a[i].floats().size(); ++k)
      REQUIRE(std::abs(a[i].floats()[k] - b[i].floats()[k]) <= std::abs(a[i].floats()[k]) / 256);
  }
  const std::uint64_t hash = hash_of_weights(folder);
  CHECK(hash == hash_of_weights(folder));
  std::string bytes = get_bytes(files.files().back());
  bytes.back() ^= 1;
  put_bytes(files.files().back(), bytes);
  CHECK(hash != hash_of_weights(folder));
  CHECK_THROWS_AS(save_model(*mixture, folder, {.torch_dtype = "int4"}), UsageError);
}

TEST_CASE("a small file with the configuration of a large model uses no memory", "[train]") {
  TinyRun run;
  const auto folder = run.scratch / "model";
  save_model(*run.model, folder);
  ModelConfig config = run.model->config();
  config.num_hidden_layers = 10'000;
  write_config(folder / "config.json", config);
  CHECK_THROWS_WITH(load_model(folder, 1), ContainsSubstring("must hold the 10000 layers"));
  config.num_hidden_layers = 2;
  config.moe = mixture_named("mixtral");
  config.moe->num_token_experts = 40'000;
  write_config(folder / "config.json", config);
  CHECK_THROWS_WITH(load_model(folder, 1), ContainsSubstring("of 40000 experts"));
  config.moe.reset();
  config.vocab_size = 1 << 24;
  write_config(folder / "config.json", config);
  CHECK_THROWS_WITH(load_model(folder, 1), ContainsSubstring("must have the shape [16777216, 16]"));
  config.num_hidden_layers = 10'000;
  config.hidden_size = 16'384;  // 10 TB
  write_config(folder / "config.json", config);
  CHECK_THROWS_WITH(load_model(folder, 1), ContainsSubstring("model.safetensors] must hold the "));
  rewrite(folder, {});
  CHECK_THROWS_AS(load_model(folder, 1), BadFile);
}

TEST_CASE("files that do not fit their config.json are refused by name", "[train]") {
  TinyRun run;
  const auto folder = run.scratch / "model";
  save_model(*run.model, folder);
  auto views = views_of(*run.model);

  auto missing = views;
  missing.erase(missing.begin());
  rewrite(folder, missing);
  CHECK_THROWS_WITH(load_model(folder, 1), ContainsSubstring("model.embed_tokens.weight"));

  auto reshaped = views;
  std::swap(reshaped[0].shape[0], reshaped[0].shape[1]);
  rewrite(folder, reshaped);
  CHECK_THROWS_WITH(load_model(folder, 1), ContainsSubstring("must have the shape [257, 16]"));

  auto extra = views;
  extra.push_back(views.back());
  extra.back().name = "stranger";
  rewrite(folder, extra);
  CHECK_THROWS_WITH(load_model(folder, 1), ContainsSubstring("stranger"));

  std::filesystem::remove(folder / "model.safetensors");
  CHECK_THROWS_AS(load_model(folder, 1), BadFile);
  CHECK_THROWS_AS(load_model(run.scratch / "nowhere", 1), BadFile);
}

TEST_CASE("LATEST may only name a folder beside it", "[train]") {
  TinyRun run;
  for (const char* name : {"../outside", "/etc", "", ".", "a/b"}) {
    put_bytes(run.scratch / "run/checkpoints/LATEST", name);
    CHECK_THROWS_WITH(load_model(run.scratch / "run", 1), ContainsSubstring("must name a folder beside it"));
  }
}

}  // namespace checkpoint_test
