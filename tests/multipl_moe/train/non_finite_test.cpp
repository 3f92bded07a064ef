/// NaN and infinities, injected at many places, and the state that they must not change.
#include <cmath>
#include <csignal>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <vector>

#include "../support/wrapped_model.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/trainer.hpp"
#include "run_files.hpp"
#include "support/catch.hpp"
#include "tiny_run.hpp"

namespace non_finite_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float largest = std::numeric_limits<float>::max();

std::unique_ptr<LanguageModel> mixture() {
  const auto dense = make_language_model(tiny_config(), 1);
  dense->initialize(1, 0.05);
  MoeConfig moe = mixture_named("causal-multipl-moe").value();
  moe.segment_window = 8;
  return upcycled(*dense, moe, {.seed = 4});
}

TrainOptions quiet(std::int64_t steps) {
  TrainOptions options;
  options.steps = steps;
  options.log_every = 0;
  return options;
}

std::span<float> values_of(LanguageModel& model, const std::string& name) {
  for (const TensorRef& slot : model.tensors())
    if (slot.name == name) return slot.floats();
  FAIL("no tensor " << name);
  return {};
}

/// A hash of weights, thresholds and moments. Values are not compared, because NaN is not equal to itself.
std::uint64_t bits_of(LanguageModel& model) {
  RunningHash hash;
  for (const TensorRef& slot : model.tensors()) hash.add(std::as_bytes(slot.floats()));
  for (const TensorRef& tensor : model.optimizer_state()) hash.add(tensor.memory);
  return hash.value();
}

nlohmann::json line_of(const std::filesystem::path& run, std::int64_t step) {
  std::istringstream lines(get_bytes(run / "metrics.jsonl"));
  std::string line;
  for (std::int64_t i = 0; i < step; ++i) std::getline(lines, line);
  return nlohmann::json::parse(line);
}

/// A model that returns the given values instead of the computed ones.
class Liar final : public WrappedModel {
 public:
  using WrappedModel::WrappedModel;

  std::optional<double> loss, balance, norm;

  MicroBatchLoss accumulate(const Sequences& batch, double share, AuxiliaryWeights weights,
                            ActivationCheckpointing checkpointing) override {
    const MicroBatchLoss found = WrappedModel::accumulate(batch, share, weights, checkpointing);
    return {loss.value_or(found.loss), balance.value_or(found.balance), found.z};
  }
  double gradient_norm() const override { return norm.value_or(WrappedModel::gradient_norm()); }
};

}  // namespace

TEST_CASE("a step in which a weight is not finite is skipped and changes nothing", "[train][non_finite]") {
  TinyRun run;
  const std::string name = GENERATE(
      "model.embed_tokens.weight", "model.layers.0.input_layernorm.weight", "model.layers.0.self_attn.q_proj.weight",
      "model.layers.1.self_attn.o_proj.weight", "model.layers.0.mlp.token.gate.weight",
      "model.layers.1.mlp.segment.gate.weight", "model.layers.0.mlp.token.experts.0.down_proj.weight",
      "model.layers.1.mlp.token.experts.0.up_proj.weight", "model.norm.weight", "lm_head.weight");
  const float value = GENERATE(values<float>({not_a_number, infinity, -infinity}));
  INFO(name << " " << value);
  const auto model = mixture();
  auto stream = run.stream();
  TrainOptions options = quiet(6);
  options.run = run.scratch / "run";
  // A space occurs in every sequence of code; in the other weights the first value affects every token.
  const std::size_t at = name == "model.embed_tokens.weight" ? 32 * 16 : 0;
  const std::span<float> weight = values_of(*model, name);
  float kept = 0;
  std::uint64_t before = 0;
  options.after_step = [&](std::int64_t step) {
    if (step == 2) {
      kept = std::exchange(weight[at], value);
      before = bits_of(*model);
    }
    if (step == 3) {
      CHECK(bits_of(*model) == before);
      weight[at] = kept;
    }
  };
  const TrainResult result = train(*model, stream, options);
  CHECK(result.skipped == 1);
  CHECK(result.steps == 5);
  CHECK(line_of(options.run, 3)["skipped"] == true);
  CHECK_FALSE(line_of(options.run, 4).contains("skipped"));
  for (const TensorRef& slot : model->tensors())
    for (const float number : slot.floats()) REQUIRE(std::isfinite(number));
  for (const TensorRef& tensor : model->optimizer_state()) {
    std::vector<float> values(tensor.bytes / sizeof(float));
    decode_floats(tensor.dtype, tensor.memory, values);
    for (const float number : values) REQUIRE(std::isfinite(number));
  }
}

TEST_CASE("a step in which activations of finite weights overflow is skipped too", "[train][non_finite]") {
  TinyRun run;
  const auto model = mixture();
  auto stream = run.stream();
  TrainOptions options = quiet(4);
  std::vector<std::pair<std::span<float>, std::vector<float>>> kept;
  for (const TensorRef& slot : model->tensors())
    if (slot.name.ends_with("down_proj.weight") || slot.name == "lm_head.weight")
      kept.emplace_back(slot.floats(), std::vector<float>(slot.floats().begin(), slot.floats().end()));
  std::uint64_t before = 0;
  options.after_step = [&](std::int64_t step) {
    for (auto& [weights, values] : kept) {
      if (step == 1) values.assign(weights.begin(), weights.end());
      if (step == 1) std::fill(weights.begin(), weights.end(), largest);
    }
    if (step == 1) before = bits_of(*model);
    if (step != 2) return;
    CHECK(bits_of(*model) == before);
    for (auto& [weights, values] : kept) std::copy(values.begin(), values.end(), weights.begin());
  };
  CHECK(train(*model, stream, options).skipped == 1);
}

TEST_CASE("a step with a finite loss and a gradient that is not finite is skipped", "[train][non_finite]") {
  TinyRun run;
  const auto model = make_language_model(tiny_config(), 1);
  model->initialize(1, 0.05);
  auto stream = run.stream();
  TrainOptions options = quiet(4);
  options.run = run.scratch / "run";
  // Forward, the last norm scales every size back to 1; backward, it multiplies a large gradient by a large activation.
  std::vector<std::pair<std::span<float>, std::vector<float>>> kept;
  const auto scale = [&](const std::string& name, float factor) {
    const std::span<float> weights = values_of(*model, name);
    kept.emplace_back(weights, std::vector<float>(weights.begin(), weights.end()));
    for (float& weight : weights) weight *= factor;
  };
  std::uint64_t before = 0;
  options.after_step = [&](std::int64_t step) {
    if (step == 1) {
      scale("model.embed_tokens.weight", 1e37f);
      scale("lm_head.weight", 1e6f);
      before = bits_of(*model);
    }
    if (step != 2) return;
    CHECK(bits_of(*model) == before);
    for (auto& [weights, values] : kept) std::copy(values.begin(), values.end(), weights.begin());
  };
  CHECK(train(*model, stream, options).skipped == 1);
  CHECK(line_of(options.run, 2)["loss"].is_number());
  CHECK(line_of(options.run, 2)["gradient_norm"].is_null());
  CHECK(line_of(options.run, 2)["skipped"] == true);
}

TEST_CASE("a step with a loss, balance loss or gradient norm that is not finite is skipped", "[train][non_finite]") {
  TinyRun run;
  const auto member = GENERATE(&Liar::loss, &Liar::balance, &Liar::norm);
  const float value = GENERATE(values<float>({not_a_number, infinity, -infinity}));
  Liar model(mixture());
  auto stream = run.stream();
  TrainOptions options = quiet(6);
  std::uint64_t before = 0;
  options.after_step = [&](std::int64_t step) {
    if (step == 2) {
      model.*member = value;
      before = bits_of(model);
    }
    if (step == 4) {
      CHECK(bits_of(model) == before);
      (model.*member).reset();
    }
  };
  const TrainResult result = train(model, stream, options);
  CHECK(result.skipped == 2);
  CHECK(result.steps == 4);
}

TEST_CASE("ten steps in a row that are not finite end the run and name the last good checkpoint",
          "[train][non_finite]") {
  TinyRun run;
  Liar model(mixture());
  auto stream = run.stream();
  TrainOptions options = quiet(50);
  options.run = run.scratch / "run";
  options.save_every = 2;
  std::uint64_t before = 0;
  options.after_step = [&](std::int64_t step) {
    if (step == 1) model.loss = not_a_number;  // nine in a row, which a finite step ends
    if (step == 10) model.loss.reset();
    if (step == 14) model.loss = infinity;
    if (step == 14) before = bits_of(model);
  };
  try {
    train(model, stream, options);
    FAIL("the run continued");
  } catch (const NonFinite& error) {
    CHECK(error.exit_code() == 6);
    CHECK_THAT(error.what(), ContainsSubstring("found 10 steps in a row") && ContainsSubstring("step 24") &&
                                 ContainsSubstring("19 skipped in all") &&
                                 ContainsSubstring("last good checkpoint: ") && ContainsSubstring("step-000012"));
  }
  CHECK(bits_of(model) == before);
  CHECK(line_of(options.run, 24)["skipped"] == true);
  // The checkpoints that were saved during these steps did not replace it.
  CHECK_NOTHROW(load_model(options.run / "checkpoints/step-000012", 1));
}

TEST_CASE("without a finite step after a checkpoint there is no good checkpoint", "[train][non_finite]") {
  TinyRun run;
  Liar model(mixture());
  model.norm = not_a_number;
  auto stream = run.stream();
  TrainOptions options = quiet(50);
  CHECK_THROWS_WITH(train(model, stream, options), ContainsSubstring("last good checkpoint: none"));
  options.run = run.scratch / "run";
  options.save_every = 3;
  CHECK_THROWS_WITH(train(model, stream, options), ContainsSubstring("last good checkpoint: none"));
}

TEST_CASE("a resumed run continues to count skipped steps", "[train][non_finite]") {
  TinyRun run;
  TrainOptions options = quiet(50);
  options.run = run.scratch / "run";
  options.save_every = 2;
  const auto live = [&](std::int64_t steps_more) {
    Liar model(mixture());
    auto stream = run.stream();
    std::int64_t steps = 0;
    if (options.start == RunStart::resume) model.loss = not_a_number;
    options.after_step = [&](std::int64_t step) {
      if (step == 4) model.loss = not_a_number;
      if (++steps == steps_more) std::raise(SIGTERM);
    };
    return train(model, stream, options);
  };
  CHECK(live(7).skipped == 3);
  options.start = RunStart::resume;
  CHECK(live(5).skipped == 8);
  CHECK_THROWS_WITH(live(9), ContainsSubstring("found 10 steps in a row") &&
                                 ContainsSubstring("the last of them step 14") && ContainsSubstring("step-000002"));
}

}  // namespace non_finite_test
