/// A model with tied embeddings, from the file through training back to files.
#include <cmath>
#include <csignal>
#include <functional>
#include <map>

#include "../support/stderr_capture.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/stored_model.hpp"
#include "multipl_moe/model/parameter_count.hpp"
#include "multipl_moe/model/tensor_list.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/export.hpp"
#include "multipl_moe/train/memory_plan.hpp"
#include "multipl_moe/train/random_tensors.hpp"
#include "multipl_moe/train/trainer.hpp"
#include "multipl_moe/train/upcycled_tensors.hpp"
#include "run_files.hpp"
#include "support/catch.hpp"
#include "tiny_run.hpp"

namespace tied_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

constexpr const char *embedding = "model.embed_tokens.weight", *head = "lm_head.weight";

ModelConfig tied_config() {
  ModelConfig config = tiny_config();
  config.tie_word_embeddings = true;
  return config;
}

std::unique_ptr<LanguageModel> drawn(const ModelConfig& config) {
  auto model = make_language_model(config, 1);
  model->initialize(1, 0.05);
  return model;
}

/// The same values with a separate head.
std::unique_ptr<LanguageModel> untied(LanguageModel& model) {
  ModelConfig config = model.config();
  config.tie_word_embeddings = false;
  auto result = make_language_model(config, 1);
  std::map<std::string, std::vector<float>> values;
  for (const TensorRef& slot : model.tensors()) values[slot.name].assign(slot.floats().begin(), slot.floats().end());
  values[head] = values.at(embedding);
  for (const TensorRef& slot : result->tensors())
    std::copy(values.at(slot.name).begin(), values.at(slot.name).end(), slot.floats().begin());
  return result;
}

std::map<std::string, std::vector<float>> gradients_of(LanguageModel& model) {
  std::map<std::string, std::vector<float>> gradients;
  for (const TensorRef& slot : model.gradients())
    gradients[slot.name].assign(slot.floats().begin(), slot.floats().end());
  return gradients;
}

double squares(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum;
}

std::vector<std::string> names_of(LanguageModel& model) {
  std::vector<std::string> names;
  for (const TensorRef& slot : model.tensors()) names.push_back(slot.name);
  return names;
}

std::vector<float> values_of(LanguageModel& model, const std::string& name) {
  for (const TensorRef& slot : model.tensors())
    if (slot.name == name) return {slot.floats().begin(), slot.floats().end()};
  FAIL("no " << name);
  return {};
}

std::vector<Token> some_tokens(std::size_t count, std::size_t first) {
  std::vector<Token> tokens;
  for (std::size_t i = 0; i < count; ++i) tokens.push_back(static_cast<Token>((first + 37 * i) % 250));
  return tokens;
}

TrainOptions options_in(const fs::path& run) {
  TrainOptions options;
  options.steps = 6;
  options.save_every = 3;
  options.log_every = 0;
  options.learning_rate = 0.01;
  options.run = run;
  return options;
}

TrainResult live(const TinyRun& run, LanguageModel& model, const TrainOptions& options) {
  auto stream = run.stream();
  return train(model, stream, options);
}

TrainOptions until(std::int64_t step, TrainOptions options) {
  options.after_step = [=](std::int64_t done) {
    if (done == step) std::raise(SIGTERM);
  };
  return options;
}

TrainOptions resumed(TrainOptions options) {
  options.start = RunStart::resume;
  return options;
}

}  // namespace

TEST_CASE("a tied weight has one gradient, one pair of moments and one part of the gradient norm", "[tied]") {
  const auto tied = drawn(tied_config());
  const auto apart = untied(*tied);
  const auto tokens = some_tokens(24, 3), targets = some_tokens(24, 40);
  const Sequences batch{.count = 2, .length = 12, .tokens = tokens, .targets = targets};
  for (LanguageModel* model : {tied.get(), apart.get()}) {
    model->begin_training({});
    model->accumulate(batch, 1, {});
  }
  auto one = gradients_of(*tied), two = gradients_of(*apart);
  CHECK_FALSE(one.contains("lm_head.weight.grad"));
  auto sum = two.at("model.embed_tokens.weight.grad");
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += two.at("lm_head.weight.grad")[i];
  const auto& both = one.at("model.embed_tokens.weight.grad");
  double largest = 0, worst = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(sum[i])));
    worst = std::max(worst, std::abs(static_cast<double>(sum[i]) - static_cast<double>(both[i])));
  }
  CHECK(worst <= 1e-6 * largest);

  double norm = 0;
  for (const auto& [name, values] : one) norm += squares(values);
  CHECK_THAT(tied->gradient_norm(), Catch::Matchers::WithinRel(std::sqrt(norm), 1e-9));
  CHECK(tied->optimizer_state().size() == apart->optimizer_state().size() - 2);

  // The head uses the updated embedding.
  const moe::AdamW optimizer;
  tied->step(optimizer, 0.01, 1, 1);
  CHECK(tied->logits_after(tokens) == untied(*tied)->logits_after(tokens));
  CHECK(tied->begin_decoding()->join(tokens) == untied(*tied)->begin_decoding()->join(tokens));
  CHECK(tied->begin_decoding(DecodingWeights::bfloat16)->join(tokens) ==
        untied(*tied)->begin_decoding(DecodingWeights::bfloat16)->join(tokens));
}

TEST_CASE("plans and counts include a tied weight once", "[tied]") {
  ModelConfig config = size_named("demo");
  config.moe = mixture_named("causal-multipl-moe");
  const std::int64_t table = config.vocab_size * config.hidden_size;
  const ParameterCount two = parameter_count_of(config);
  const auto all = [](std::string_view) { return true; };
  const TrainingCounts apart = training_counts(config, all);
  config.tie_word_embeddings = true;
  const ParameterCount one = parameter_count_of(config);
  CHECK(one.total == two.total - table);
  CHECK(one.active == two.active - table);
  CHECK(one.embedding == table);
  CHECK(two.embedding == 2 * table);
  const TrainingCounts tied = training_counts(config, all);
  CHECK(tied.weights == apart.weights - table);
  CHECK(tied.trainable == apart.trainable - table);
}

TEST_CASE("files of a tied model have one weight, and its run resumes bitwise identically", "[tied]") {
  const TinyRun run;
  const auto whole = drawn(tied_config());
  const TrainOptions options = options_in(run.scratch / "whole");
  const fs::path saved = live(run, *whole, options).checkpoint;
  CHECK(TensorFolder::open(saved).contains(embedding));
  CHECK_FALSE(TensorFolder::open(saved).contains(head));
  CHECK_FALSE(TensorFolder::open(saved, "optimizer").contains("lm_head.weight.exp_avg"));
  CHECK(load_config(saved).tie_word_embeddings);
  CHECK(values_of(*load_model(saved, 1), embedding) == values_of(*whole, embedding));
  CHECK(load_model(saved, 1)->config() == tied_config());

  const TrainOptions ended = options_in(run.scratch / "ended");
  live(run, *drawn(tied_config()), until(3, ended));
  CHECK(live(run, *drawn(tied_config()), resumed(ended)).steps_before == 3);
  CHECK(newest_checkpoint_of(ended.run) == newest_checkpoint_of(options.run));
}

TEST_CASE("upcycling, merging and export keep a model tied", "[tied]") {
  const ScratchFolder scratch;
  const auto dense = drawn(tied_config());
  save_model(*dense, scratch / "dense");
  for (const char* architecture : {"mixtral", "lora"}) {
    INFO(architecture);
    const MoeConfig mixture = mixture_named(architecture).value();
    const auto made = upcycled(*dense, mixture, {.seed = 3});
    CHECK(made->config().tie_word_embeddings);
    const StoredModel stored = StoredModel::open(scratch / "dense");
    UpcycledTensors tensors(stored, mixture, {.seed = 3}, 1);
    stream_model(scratch / architecture, tensors.config(), *byte_tokenizer(), {.dtype = "F32", .label = {}},
                 std::ref(tensors));
    const auto streamed = load_model(scratch / architecture, 1);
    CHECK(names_of(*streamed) == names_of(*made));
    CHECK(values_of(*streamed, embedding) == values_of(*dense, embedding));
    CHECK_FALSE(TensorFolder::open(scratch / architecture).contains(head));
  }
  const auto plain = merged(*load_model(scratch / "lora", 1));
  CHECK(plain->config() == tied_config());
  CHECK(values_of(*plain, embedding) == values_of(*dense, embedding));

  export_model(scratch / "mixtral", scratch / "exported", {});
  CHECK_THAT(get_bytes(scratch / "exported/config.json"), ContainsSubstring("\"tie_word_embeddings\": true"));
  CHECK_FALSE(TensorFolder::open(scratch / "exported").contains(head));
  CHECK(values_of(*load_model(scratch / "exported", 1), embedding) == values_of(*dense, embedding));

  const RandomTensors random(tied_config(), 1, 0.05, 1);
  stream_model(scratch / "random", tied_config(), *byte_tokenizer(), {.dtype = "F32", .label = {}}, std::cref(random));
  CHECK(values_of(*load_model(scratch / "random", 1), embedding) == values_of(*dense, embedding));
}

TEST_CASE("a head that differs from the embedding is kept by every writer, even if config.json ties them", "[tied]") {
  const ScratchFolder scratch;
  const auto apart = untied(*drawn(tied_config()));
  for (const TensorRef& slot : apart->tensors())
    if (slot.name == head) slot.floats()[5] = 0.75f;
  save_model(*apart, scratch / "model");
  fs::remove(scratch / "model/MANIFEST");
  std::string json = get_bytes(scratch / "model/config.json");
  const std::string no = "\"tie_word_embeddings\": false";
  put_bytes(scratch / "model/config.json", json.replace(json.find(no), no.size(), "\"tie_word_embeddings\": true"));

  const StderrCapture capture;
  const auto check = [&](LanguageModel& model) {
    CHECK_FALSE(model.config().tie_word_embeddings);
    CHECK(values_of(model, head) == values_of(*apart, head));
    CHECK(values_of(model, embedding) == values_of(*apart, embedding));
  };
  const auto loaded = load_model(scratch / "model", 1);
  CHECK_THAT(capture.text(), ContainsSubstring("both are kept"));
  check(*loaded);
  CHECK(load_config(scratch / "model") == loaded->config());
  check(*upcycled(*loaded, mixture_named("mixtral").value(), {.seed = 3}));
  export_model(scratch / "model", scratch / "exported", {});
  check(*load_model(scratch / "exported", 1));
  save_model(*loaded, scratch / "saved");
  check(*load_model(scratch / "saved", 1));
  const StoredModel stored = StoredModel::open(scratch / "model");
  UpcycledTensors tensors(stored, mixture_named("lora").value(), {.seed = 3}, 1);
  stream_model(scratch / "lora", tensors.config(), *byte_tokenizer(), {.dtype = "F32", .label = {}}, std::ref(tensors));
  const auto lora = load_model(scratch / "lora", 1);
  check(*lora);
  check(*merged(*lora));
}

TEST_CASE("a file with only the head gives both weights of a tied model, through every writer", "[tied]") {
  const ScratchFolder scratch;
  const auto dense = drawn(tied_config());
  auto slots = dense->tensors();
  std::vector<TensorView> views;
  for (const TensorRef& slot : slots)
    views.push_back({slot.name == embedding ? head : slot.name, "F32", slot.shape, std::as_bytes(slot.floats())});
  put_bytes(scratch / "model/config.json", to_json_text(tied_config()));
  write_safetensors(scratch / "model/model.safetensors", views);
  CHECK(stored_dtype(scratch / "model") == "float32");
  const auto loaded = load_model(scratch / "model", 1);
  CHECK(loaded->config().tie_word_embeddings);
  CHECK(values_of(*loaded, embedding) == values_of(*dense, embedding));
  export_model(scratch / "model", scratch / "exported", {});
  CHECK(values_of(*load_model(scratch / "exported", 1), embedding) == values_of(*dense, embedding));
}

TEST_CASE("a run that trained a separate copy of a tied embedding continues with both, with a note", "[tied]") {
  // How earlier versions started a run of a tied model: both weights, and a config.json and settings that state it.
  const TinyRun run;
  const auto tied = drawn(tied_config());
  const TrainOptions whole = options_in(run.scratch / "whole"), ended = options_in(run.scratch / "ended");
  live(run, *untied(*tied), whole);
  live(run, *untied(*tied), until(3, ended));

  ModelConfig config;
  {
    const StderrCapture capture;
    config = config_of_run(tied_config(), ended.run);
    CHECK_THAT(capture.text(), ContainsSubstring("note: ") && ContainsSubstring("lm_head.weight separately from"));
  }
  CHECK_FALSE(config.tie_word_embeddings);
  CHECK(live(run, *drawn(config), resumed(ended)).steps_before == 3);
  CHECK(newest_checkpoint_of(ended.run) == newest_checkpoint_of(whole.run));
  CHECK_FALSE(load_model(ended.run, 1)->config().tie_word_embeddings);

  // Without this, the difference is refused by name and value.
  fs::remove_all(ended.run);
  live(run, *untied(*tied), until(3, ended));
  CHECK_THROWS_WITH(live(run, *drawn(tied_config()), resumed(ended)),
                    ContainsSubstring("model tie_word_embeddings: false, found true"));

  const StderrCapture capture;
  const TrainOptions one = options_in(run.scratch / "one");
  live(run, *drawn(tied_config()), until(3, one));
  CHECK(config_of_run(tied_config(), one.run).tie_word_embeddings);
  CHECK(config_of_run(tied_config(), run.scratch / "nowhere").tie_word_embeddings);
  CHECK_THAT(capture.text(), !ContainsSubstring("separately"));
}

TEST_CASE("a tied model that is loaded untied starts with the embedding as its head", "[tied]") {
  const ScratchFolder scratch;
  const auto tied = drawn(tied_config());
  save_model(*tied, scratch / "model");
  ModelConfig config = load_config(scratch / "model");
  config.tie_word_embeddings = false;
  const auto model = load_model(scratch / "model", 1, config);
  CHECK(values_of(*model, head) == values_of(*tied, embedding));
  CHECK(model->config() == config);
}

}  // namespace tied_test
