#include "multipl_moe/train/trainer.hpp"

#include <algorithm>
#include <csignal>

#include "multipl_moe/train/checkpoint.hpp"
#include "support/catch.hpp"
#include "tiny_run.hpp"

namespace trainer_test {

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
  for (const TensorRef& slot : model.tensors()) values.insert(values.end(), slot.floats().begin(), slot.floats().end());
  return values;
}

std::int64_t lines_in(const fs::path& file) {
  const std::string text = get_bytes(file);
  return std::count(text.begin(), text.end(), '\n');
}

}  // namespace

TEST_CASE("a run trains, writes one line per step and saves its model", "[train]") {
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
  CHECK_FALSE(fs::exists(options.run / "checkpoints/step-000008"));
  for (const char* name : {"step-000016", "step-000020"})
    CHECK(fs::exists(options.run / "checkpoints" / name / "model.safetensors"));
  CHECK(get_bytes(options.run / "checkpoints" / "LATEST") == "step-000020\n");
  CHECK(weights_of(*load_model(options.run, 1)) == weights_of(*run.model));
}

TEST_CASE("two runs with the same seed end with bitwise identical weights", "[train]") {
  TinyRun a, b;
  auto stream_a = a.stream(), stream_b = b.stream();
  train(*a.model, stream_a, quiet(5));
  train(*b.model, stream_b, quiet(5));
  CHECK(weights_of(*a.model) == weights_of(*b.model));
}

TEST_CASE("SIGINT and SIGTERM end a run after its step, with a checkpoint", "[train]") {
  const int signal = GENERATE(SIGINT, SIGTERM);
  TinyRun run;
  auto stream = run.stream();
  TrainOptions options = quiet(50);
  options.run = run.scratch / "run";
  options.after_step = [=](std::int64_t step) {
    if (step == 3) std::raise(signal);
  };
  const TrainResult result = train(*run.model, stream, options);
  CHECK(result.signal == signal);
  CHECK(result.steps == 3);
  CHECK(result.checkpoint == options.run / "checkpoints" / "step-000003");
  CHECK(weights_of(*load_model(result.checkpoint, 1)) == weights_of(*run.model));
}

}  // namespace trainer_test
