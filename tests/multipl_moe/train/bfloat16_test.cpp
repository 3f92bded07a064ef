/// Models in bfloat16: training, checkpoints and decoding, compared with models in float.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

#include "../model/small_model.hpp"
#include "moe/train/adamw.hpp"
#include "multipl_moe/eval/generate.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/memory_plan.hpp"
#include "multipl_moe/train/trainer.hpp"
#include "run_files.hpp"
#include "support/catch.hpp"
#include "tiny_run.hpp"

namespace bfloat16_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using moe::MasterWeights;

namespace {

ModelConfig two_layers(const std::string& architecture) {
  ModelConfig config = tiny_config();
  config.num_hidden_layers = 2;
  if (architecture != "dense") config.moe = small_mixture(architecture);
  return config;
}

TrainOptions options_of(std::int64_t steps, MasterWeights master) {
  TrainOptions options;
  options.steps = steps;
  options.accumulation = 2;
  options.learning_rate = 0.01;
  options.log_every = 0;
  options.precision.master = master;
  return options;
}

std::unique_ptr<LanguageModel> fresh(const ModelConfig& config, ModelDtype dtype, int threads = 1) {
  auto model = make_language_model(config, threads, dtype);
  model->initialize(1, 0.05);
  return model;
}

std::vector<double> curve(LanguageModel& model, const TinyRun& run, MasterWeights master) {
  TrainOptions options = options_of(20, master);
  std::vector<double> losses;
  options.on_report = [&](const StepReport& report) { losses.push_back(report.loss); };
  auto stream = run.stream();
  train(model, stream, options);
  return losses;
}

/// All values of a model, as float.
std::map<std::string, std::vector<float>> values_of(LanguageModel& model) {
  std::map<std::string, std::vector<float>> values;
  for (const TensorRef& slot : model.tensors()) {
    auto& own = values[slot.name];
    own.assign(slot.floats().begin(), slot.floats().end());
    for (const moe::BFloat16 value : slot.bfloat16s()) own.push_back(moe::widened(value));
  }
  return values;
}

/// A model with weights so large that its logits differ clearly.
std::unique_ptr<LanguageModel> opinionated(const std::string& architecture) {
  ModelConfig config = small_config(architecture == "dense" ? std::optional<MoeConfig>() : small_mixture(architecture));
  config.vocab_size = 257;
  auto model = make_language_model(config, 1, ModelDtype::bfloat16);
  model->initialize(2, 0.4);
  return model;
}

}  // namespace

TEST_CASE("a model of bfloat16 learns as one of float", "[train][bfloat16]") {
  const std::string architecture = GENERATE("dense", "mixtral", "causal-multipl-moe");
  const TinyRun run;
  const ModelConfig config = two_layers(architecture);
  const auto expected = curve(*fresh(config, ModelDtype::float32), run, MasterWeights::float32);
  INFO(architecture);
  for (const MasterWeights master : {MasterWeights::split, MasterWeights::bfloat16}) {
    const auto losses = curve(*fresh(config, ModelDtype::bfloat16), run, master);
    REQUIRE(losses.size() == 20);
    CHECK(expected.front() - expected.back() > 0.5);
    for (std::size_t i = 0; i < losses.size(); ++i) CHECK(std::abs(losses[i] - expected[i]) < 0.02);
  }
}

TEST_CASE("a model of bfloat16 has its weights in the planned memory", "[train][bfloat16]") {
  std::vector<ModelConfig> configs;
  for (const std::string architecture :
       {"dense", "mixtral", "gshard", "qwen1.5-moe", "multipl-moe-released", "lora", "mole"})
    configs.push_back(two_layers(architecture));
  for (const std::string fusion : {"fixed", "normalized", "scalar", "channel", "matrix"}) {
    configs.push_back(two_layers("causal-multipl-moe"));
    configs.back().moe->fusion = fusion;
  }
  for (const ModelConfig& config : configs) {
    INFO(config.architecture() << (config.moe ? " " + config.moe->fusion : ""));
    const auto model = make_language_model(config, 1, ModelDtype::bfloat16);
    std::int64_t bytes = 0;
    for (const TensorRef& slot : model->tensors()) bytes += static_cast<std::int64_t>(slot.bytes);
    const auto counts = training_counts(config, [](std::string_view) { return true; });
    const AdamWPrecision precision{.master = MasterWeights::split};
    const MemoryPlan plan = host_plan(config, counts, {2, 32}, precision, ModelDtype::bfloat16);
    CHECK(plan.weights == bytes);
    CHECK(plan.total() < host_plan(config, counts, {2, 32}, precision).total());
  }
}

TEST_CASE("a model of bfloat16 trains to the same bits with any number of threads", "[train][bfloat16]") {
  const TinyRun run;
  const ModelConfig config = two_layers("causal-multipl-moe");
  const auto trained = [&](int threads) {
    const auto model = fresh(config, ModelDtype::bfloat16, threads);
    auto stream = run.stream();
    train(*model, stream, options_of(4, MasterWeights::split));
    return values_of(*model);
  };
  const auto expected = trained(1);
  for (const int threads : {2, 4}) CHECK(trained(threads) == expected);
}

TEST_CASE("a run in bfloat16 that is stopped and resumed is bitwise identical to an uninterrupted one",
          "[resume][bfloat16]") {
  const TinyRun run;
  const ModelConfig config = two_layers("causal-multipl-moe");
  for (const MasterWeights master : {MasterWeights::split, MasterWeights::bfloat16}) {
    const auto lived = [&](const std::string& folder, std::int64_t steps, RunStart start, ModelDtype dtype) {
      const auto model = fresh(config, dtype);
      TrainOptions options = options_of(steps, master);
      options.run = run.scratch / folder;
      options.save_every = 3;
      options.start = start;
      auto stream = run.stream();
      train(*model, stream, options);
    };
    const std::string name(name_of(master));
    const auto in_two_parts = [&](const std::string& folder) {
      const auto model = fresh(config, ModelDtype::bfloat16);
      TrainOptions options = options_of(6, master);
      options.run = run.scratch / folder;
      options.save_every = 3;
      options.keep_checkpoints = 5;
      auto stream = run.stream();
      train(*model, stream, options);
      std::filesystem::remove_all(options.run / "checkpoints/step-000006");
    };
    lived("whole " + name, 6, RunStart::fresh, ModelDtype::bfloat16);
    in_two_parts("parts " + name);
    lived("parts " + name, 6, RunStart::resume, ModelDtype::bfloat16);
    CHECK(newest_checkpoint_of(run.scratch / ("parts " + name)) ==
          newest_checkpoint_of(run.scratch / ("whole " + name)));
    CHECK_THROWS_WITH(lived("whole " + name, 7, RunStart::resume, ModelDtype::float32),
                      ContainsSubstring("--dtype: bfloat16, found float32"));
  }
}

TEST_CASE("a checkpoint of bfloat16 holds its own types, and a model of float reads it exactly", "[train][bfloat16]") {
  const TinyRun run;
  const ModelConfig config = two_layers("causal-multipl-moe");
  const auto model = fresh(config, ModelDtype::bfloat16);
  TrainOptions options = options_of(3, MasterWeights::split);
  options.run = run.scratch / "run";
  auto stream = run.stream();
  train(*model, stream, options);
  const auto weights = open_tensors(model_folder(options.run));
  const auto dtype = [&](const std::string& name) { return weights.entry("model.layers.0." + name).dtype; };
  CHECK(dtype("self_attn.q_proj.weight") == "BF16");
  CHECK(dtype("mlp.token.gate.weight") == "F32");
  CHECK(dtype("mlp.segment.thresholds") == "F32");
  CHECK(stored_dtype(options.run) == "bfloat16");
  const auto optimizer = open_tensors(model_folder(options.run), "optimizer");
  CHECK(optimizer.entry("model.layers.0.self_attn.q_proj.weight.master_lower").dtype == "U16");
  CHECK_FALSE(optimizer.contains("model.layers.0.mlp.token.gate.weight.master_lower"));

  const auto wide = load_model(options.run, 1);
  CHECK(wide->dtype() == ModelDtype::float32);
  CHECK(values_of(*wide) == values_of(*model));
  CHECK(values_of(*load_model(options.run, 1, ModelDtype::bfloat16)) == values_of(*model));
}

TEST_CASE("a model of float is read into bfloat16 only if that is exact", "[train][bfloat16]") {
  const ScratchFolder scratch;
  const auto model = fresh(two_layers("mixtral"), ModelDtype::float32);
  save_model(*model, scratch / "wide");
  CHECK_THROWS_AS(load_model(scratch / "wide", 1, ModelDtype::bfloat16), UsageError);
  CHECK_THROWS_WITH(load_model(scratch / "wide", 1, ModelDtype::bfloat16),
                    ContainsSubstring("[--dtype] bfloat16 reads weights that are values of bfloat16, found ") &&
                        ContainsSubstring("model.embed_tokens.weight"));
  save_model(*model, scratch / "rounded", {.torch_dtype = "bfloat16"});
  const auto rounded = load_model(scratch / "rounded", 1, ModelDtype::bfloat16);
  CHECK(values_of(*rounded) == values_of(*load_model(scratch / "rounded", 1)));
  // Rounded values in a file of float32.
  save_model(*load_model(scratch / "rounded", 1), scratch / "exact");
  CHECK(values_of(*load_model(scratch / "exact", 1, ModelDtype::bfloat16)) == values_of(*rounded));
}

TEST_CASE("a model of bfloat16 has no float master weights", "[train][bfloat16]") {
  const auto model = fresh(two_layers("dense"), ModelDtype::bfloat16);
  CHECK_THROWS_WITH(
      model->begin_training({}),
      ContainsSubstring("[--master-weights] must be split or bfloat16 for training with --dtype bfloat16"));
}

TEST_CASE("a model of bfloat16 scores as the float model with its weights", "[eval][bfloat16]") {
  const std::string architecture = GENERATE("dense", "mixtral", "qwen1.5-moe", "causal-multipl-moe", "mole");
  INFO(architecture);
  const ScratchFolder scratch;
  const auto narrow = opinionated(architecture);
  save_model(*narrow, scratch / "model", {.torch_dtype = "bfloat16"});
  const auto wide = load_model(scratch / "model", 1);
  const std::string text = "def f(a, b):\n  return a + b\n\nprint(f(1, 2))\n";
  const std::vector<Token> tokens = narrow->tokenizer()->encode(text);
  const Sequences sequences{.count = 1,
                            .length = static_cast<std::int64_t>(tokens.size()) - 1,
                            .tokens = std::span(tokens).first(tokens.size() - 1),
                            .targets = std::span(tokens).subspan(1)};
  const auto mean = [&](LanguageModel& model) {
    double sum = 0;
    for (const double loss : model.score(sequences).losses) sum += loss;
    return sum / static_cast<double>(sequences.length);
  };
  CHECK(mean(*narrow) == Catch::Approx(mean(*wide)).epsilon(0.02));
}

TEST_CASE("greedy text of bfloat16 is that of passes over the whole text, except for ties", "[eval][bfloat16]") {
  const std::string architecture = GENERATE("dense", "mixtral", "qwen1.5-moe", "causal-multipl-moe");
  const auto model = opinionated(architecture);
  INFO(architecture);
  const std::vector<std::string> prompts{"x", "def f(a, b):\n"};
  const auto results = generate(*model, prompts, {.max_new_tokens = 16, .temperature = 0});
  int equal = 0;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    std::vector<Token> text = model->tokenizer()->encode(prompts[i]);
    for (const Token token : results[i].tokens) {
      const auto logits = model->logits_after(text);
      const auto [lowest, best] = std::minmax_element(logits.begin(), logits.end());
      // Few rows are summed in another order than many, so that results are rounded to neighboring bfloat16 values.
      // With weights as large as these, logits then differ by up to 3 % of their root mean square.
      const bool is_tie = *best - logits[static_cast<std::size_t>(token)] < 0.04f * (*best - *lowest);
      REQUIRE((token == static_cast<Token>(best - logits.begin()) || is_tie));
      equal += token == static_cast<Token>(best - logits.begin()) ? 1 : 0;
      text.push_back(token);
    }
  }
  CHECK(equal >= 28);
}

}  // namespace bfloat16_test
