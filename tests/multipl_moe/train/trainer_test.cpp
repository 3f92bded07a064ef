#include "multipl_moe/train/trainer.hpp"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <limits>
#include <utility>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "support/catch.hpp"
#include "tiny_run.hpp"

using namespace multipl_moe;
using namespace multipl_moe::testing;
namespace fs = std::filesystem;

namespace {

TrainOptions quiet(std::int64_t steps) {
  TrainOptions options;
  options.steps = steps;
  options.log_every = 0;
  return options;
}

std::vector<float> weights_of(LanguageModel& model) {
  std::vector<float> values;
  for (const TensorSlot& slot : model.tensors()) values.insert(values.end(), slot.values.begin(), slot.values.end());
  return values;
}

std::int64_t lines_in(const fs::path& file) {
  const std::string text = get_bytes(file);
  return std::count(text.begin(), text.end(), '\n');
}

}  // namespace

TEST_CASE("a run trains, writes a line a step and saves what it trained", "[train]") {
  TinyRun run;
  auto stream = run.stream();
  TrainOptions options = quiet(20);
  options.run = run.scratch / "run";
  options.save_every = 8;
  options.accumulation = 2;
  const std::vector<float> before = weights_of(*run.model);
  const TrainResult result = train(*run.model, stream, options);
  CHECK(result.steps == 20);
  CHECK(result.skipped == 0);
  CHECK(result.tokens == 20 * 2 * 2 * 32);
  CHECK(weights_of(*run.model) != before);
  CHECK(lines_in(options.run / "metrics.jsonl") == 20);
  for (const char* name : {"step-000008", "step-000016", "step-000020"})
    CHECK(fs::exists(options.run / "checkpoints" / name / "model.safetensors"));
  CHECK(get_bytes(options.run / "checkpoints" / "LATEST") == "step-000020\n");
  CHECK(weights_of(*load_model(options.run, 1)) == weights_of(*run.model));
}

TEST_CASE("two runs of the same seed end in the same bits", "[train]") {
  TinyRun a, b;
  auto stream_a = a.stream(), stream_b = b.stream();
  train(*a.model, stream_a, quiet(5));
  train(*b.model, stream_b, quiet(5));
  CHECK(weights_of(*a.model) == weights_of(*b.model));
}

TEST_CASE("SIGINT ends a run after its step, with a checkpoint", "[train]") {
  TinyRun run;
  auto stream = run.stream();
  TrainOptions options = quiet(50);
  options.run = run.scratch / "run";
  options.after_step = [](std::int64_t step) {
    if (step == 3) std::raise(SIGINT);
  };
  const TrainResult result = train(*run.model, stream, options);
  CHECK(result.interrupted);
  CHECK(result.steps == 3);
  CHECK(result.checkpoint == options.run / "checkpoints" / "step-000003");
  CHECK(weights_of(*load_model(result.checkpoint, 1)) == weights_of(*run.model));
}

TEST_CASE("a gradient that is not finite never reaches the weights, and ten in a row end the run", "[train]") {
  TinyRun run;
  auto stream = run.stream();
  // Finite weights whose product is not.
  for (const TensorSlot& slot : run.model->tensors())
    if (slot.name.ends_with("down_proj.weight") || slot.name == "lm_head.weight")
      std::fill(slot.values.begin(), slot.values.end(), std::numeric_limits<float>::max());
  const std::vector<float> before = weights_of(*run.model);
  int steps = 0;
  TrainOptions options = quiet(50);
  options.after_step = [&](std::int64_t) { ++steps; };
  CHECK_THROWS_AS(train(*run.model, stream, options), NonFinite);
  CHECK(steps == 9);
  CHECK(weights_of(*run.model) == before);
}

TEST_CASE("one bad step is skipped and the run goes on", "[train]") {
  TinyRun run;
  auto stream = run.stream();
  TrainOptions options = quiet(6);
  std::span<float> head;
  for (const TensorSlot& slot : run.model->tensors())
    if (slot.name == "lm_head.weight") head = slot.values;
  float kept = 0;
  options.after_step = [&](std::int64_t step) {
    if (step == 2) kept = std::exchange(head[0], std::numeric_limits<float>::infinity());
    if (step == 3) head[0] = kept;
  };
  const TrainResult result = train(*run.model, stream, options);
  CHECK(result.skipped == 1);
  CHECK(result.steps == 5);
  for (const float value : weights_of(*run.model)) REQUIRE(std::isfinite(value));
}
