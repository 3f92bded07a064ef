/// Runs with optimizer state in lower precision: what they store, and that they learn.
#include <algorithm>
#include <bit>
#include <cmath>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/memory_plan.hpp"
#include "multipl_moe/train/tensor_files.hpp"
#include "multipl_moe/train/trainer.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"
#include "tiny_run.hpp"

namespace precision_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using Moments = AdamWPrecision::Moments;
using moe::MasterWeights;
using moe::testing::is_slow_build;

namespace {

std::size_t bytes_of(LanguageModel& model) {
  std::size_t bytes = 0;
  for (const TensorRef& tensor : model.optimizer_state()) bytes += tensor.bytes;
  return bytes;
}

bool is_narrow(float value) { return (std::bit_cast<std::uint32_t>(value) & 0xffffu) == 0; }

/// Mean loss of the last ten of `steps` steps.
double learned_in(AdamWPrecision precision, LanguageModel& model, const TinyRun& run, std::int64_t steps) {
  TrainOptions options;
  options.steps = steps;
  options.learning_rate = 0.02;
  options.log_every = 0;
  options.precision = precision;
  double sum = 0;
  options.on_report = [&](const StepReport& report) {
    if (report.step > steps - 10) sum += report.loss;
  };
  auto stream = run.stream();
  train(model, stream, options);
  return sum / 10;
}

}  // namespace

TEST_CASE("AdamW's state has the planned number of bytes", "[train]") {
  ModelConfig config = tiny_config();
  config.moe = mixture_named("causal-multipl-moe");
  const auto trains = post_training_weights(config);
  const TrainingCounts counts = training_counts(config, trains);
  for (const AdamWPrecision precision : all_adamw_precisions) {
    const auto model = make_language_model(config, 1);
    CHECK(bytes_of(*model) == 0);
    model->begin_training(trains, precision);
    CHECK(static_cast<std::int64_t>(bytes_of(*model)) == precision.bytes() * counts.trainable);
    CHECK(host_plan(config, counts, {}, precision).moments == precision.bytes() * counts.trainable);
  }
}

TEST_CASE("with split or bfloat16 master weights the model computes with bfloat16, except frozen weights", "[train]") {
  const TinyRun run;
  for (const MasterWeights master : {MasterWeights::split, MasterWeights::bfloat16}) {
    const auto model = make_language_model(tiny_config(), 1);
    model->initialize(1, 0.05);
    const auto before = make_language_model(tiny_config(), 1);
    before->initialize(1, 0.05);
    const moe::TrainByName trains{.train = {"mlp."}};
    TrainOptions options;
    options.steps = 3;
    options.log_every = 0;
    options.precision.master = master;
    options.trains = trains;
    auto stream = run.stream();
    train(*model, stream, options);
    const auto slots = model->tensors(), old = before->tensors();
    for (std::size_t i = 0; i < slots.size(); ++i) {
      INFO(slots[i].name);
      if (trains(slots[i].name))
        CHECK(std::all_of(slots[i].floats().begin(), slots[i].floats().end(), is_narrow));
      else
        CHECK(std::equal(slots[i].floats().begin(), slots[i].floats().end(), old[i].floats().begin()));
    }
  }
}

TEST_CASE("every precision learns as much as full precision", "[train]") {
  const TinyRun run;
  const auto loss_with = [&](AdamWPrecision precision) {
    const auto model = make_language_model(tiny_config(), 1);
    model->initialize(1, 0.05);
    return learned_in(precision, *model, run, is_slow_build ? 25 : 120);
  };
  const double full = loss_with({});
  CHECK(full < (is_slow_build ? 5.5 : 4.5));
  for (const AdamWPrecision precision : all_adamw_precisions) {
    INFO(name_of(precision.master) << " master weights, " << name_of(precision.moments) << " moments");
    // Stochastic rounding may even help a model that sees so little text.
    CHECK(loss_with(precision) < 1.02 * full);
  }
}

TEST_CASE("AdamW's state is bitwise identical after saving and loading, and another dtype is refused", "[train]") {
  const TinyRun run;
  const auto save = [](const std::filesystem::path& folder, LanguageModel& model) {
    std::filesystem::create_directory(folder);
    const auto state = model.optimizer_state();
    ShardedWriter writer(folder, "optimizer", planned_state(state));
    write_state(writer, state);
  };
  const AdamWPrecision narrow{MasterWeights::split, Moments::bfloat16};
  const auto model = make_language_model(tiny_config(), 1), loaded = make_language_model(tiny_config(), 1),
             wide = make_language_model(tiny_config(), 1);
  model->initialize(1, 0.05);
  learned_in(narrow, *model, run, 10);
  save(run.scratch / "narrow", *model);
  loaded->begin_training({}, narrow);
  const auto folder = TensorFolder::open(run.scratch / "narrow", "optimizer");
  read_state(folder, loaded->optimizer_state());
  const auto theirs = loaded->optimizer_state(), ours = model->optimizer_state();
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(std::ranges::equal(ours[i].memory, theirs[i].memory));
    CHECK(std::ranges::any_of(ours[i].memory, [](std::byte byte) { return byte != std::byte{}; }));
  }
  wide->begin_training({}, {MasterWeights::split, Moments::float32});
  CHECK_THROWS_AS(read_state(folder, wide->optimizer_state()), BadFile);
  CHECK_THROWS_WITH(read_state(folder, wide->optimizer_state()), ContainsSubstring("F32") && ContainsSubstring("BF16"));
}

}  // namespace precision_test
