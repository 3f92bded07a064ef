/// Runs that write checkpoints while they continue, against runs that write them between their steps.
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <limits>
#include <new>
#include <thread>

#include "../support/stderr_capture.hpp"
#include "../support/wrapped_model.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/trainer.hpp"
#include "run_files.hpp"
#include "support/catch.hpp"
#include "tiny_run.hpp"

namespace async_checkpoint_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A model whose snapshots are read slowly, or not at all.
class SlowlySaved final : public WrappedModel {
 public:
  using WrappedModel::WrappedModel;

  void reserve_snapshots() override {
    if (lacks_memory) throw std::bad_alloc();
    WrappedModel::reserve_snapshots();
  }
  ModelTensors snapshot() override {
    ModelTensors taken = WrappedModel::snapshot();
    const int number = ++snapshots;
    TensorRef& first = taken.tensors.front();
    first.read = [this, number, read = first.read](std::size_t at, std::span<std::byte> to) {
      std::this_thread::sleep_for(delay);
      while (is_held) std::this_thread::sleep_for(1ms);
      if (number == failing) throw IoError("model.safetensors", "write", ENOSPC);
      read(at, to);
      ++written;
    };
    return taken;
  }
  MicroBatchLoss accumulate(const Sequences& batch, double share, AuxiliaryWeights weights,
                            ActivationCheckpointing checkpointing) override {
    MicroBatchLoss loss = WrappedModel::accumulate(batch, share, weights, checkpointing);
    if (++passes > finite_passes) loss.loss = std::numeric_limits<double>::quiet_NaN();
    return loss;
  }

  std::chrono::milliseconds delay{0};
  bool lacks_memory = false;
  int snapshots = 0, failing = 0;
  std::atomic<bool> is_held = false;
  std::atomic<int> written = 0;
  int passes = 0, finite_passes = std::numeric_limits<int>::max();
};

struct Runs {
  TinyRun tiny;
  MoeConfig moe = mixture_named("causal-multipl-moe").value();

  Runs() { moe.segment_window = 8; }

  std::unique_ptr<SlowlySaved> model() const {
    const auto dense = make_language_model(tiny_config(), 1);
    dense->initialize(1, 0.05);
    return std::make_unique<SlowlySaved>(upcycled(*dense, moe, {.seed = 4}));
  }
  TrainOptions options(const std::string& folder, bool async, std::int64_t save_every = 2) const {
    TrainOptions options;
    options.steps = 9;
    options.learning_rate = 0.01;
    options.log_every = 0;
    options.save_every = save_every;
    options.async_checkpoint = async;
    options.run = tiny.scratch / folder;
    options.trains = post_training_weights(model()->config());
    return options;
  }
  TrainResult live(SlowlySaved& model, const TrainOptions& options) const {
    auto stream = tiny.stream();
    return train(model, stream, options);
  }
  /// The files of all checkpoints, and the metrics.
  std::string left_by(const std::string& folder) const {
    std::string text = newest_checkpoint_of(tiny.scratch / folder) + metrics_of(tiny.scratch / folder);
    for (const std::string& name : file_names_in(tiny.scratch / folder / "checkpoints")) {
      text += name + "\n";
      if (!name.starts_with("step-")) continue;
      for (const std::string& file : file_names_in(tiny.scratch / folder / "checkpoints" / name))
        text += std::to_string(hash_of(get_bytes(tiny.scratch / folder / "checkpoints" / name / file))) + file + "\n";
    }
    return text;
  }
};

}  // namespace

TEST_CASE("a run that saves beside training leaves the files of one that does not, however slow its writer",
          "[train]") {
  const Runs runs;
  const auto plain = runs.model();
  runs.live(*plain, runs.options("plain", false));
  CHECK(plain->snapshots == 0);
  for (const auto delay : {0ms, 50ms}) {
    const std::string folder = "beside" + std::to_string(delay.count());
    const auto model = runs.model();
    model->delay = delay;
    const TrainResult result = runs.live(*model, runs.options(folder, true));
    CHECK(model->snapshots == 4);
    CHECK(model->written == 4);
    CHECK(result.checkpoint == runs.tiny.scratch / folder / "checkpoints/step-000009");
    CHECK(runs.left_by(folder) == runs.left_by("plain"));
  }
}

TEST_CASE("steps do not wait for a checkpoint that is written, and the next save does", "[train]") {
  const Runs runs;
  const auto model = runs.model();
  model->is_held = true;
  TrainOptions options = runs.options("run", true, 4);
  std::vector<int> written;
  // Saved after step 4 and step 8, and at the end, after step 9.
  options.after_step = [&](std::int64_t step) {
    written.push_back(model->written);
    if (step == 7) model->is_held = false;
  };
  runs.live(*model, options);
  REQUIRE(written.size() == 9);
  CHECK(written[6] == 0);
  CHECK(written[8] >= 1);
  CHECK(model->written == 2);
}

TEST_CASE("a signal waits for the checkpoint that is written and saves another one", "[train]") {
  const Runs runs;
  runs.live(*runs.model(), runs.options("plain", false));
  const auto model = runs.model();
  model->delay = 100ms;
  TrainOptions first = runs.options("stopped", true);
  first.after_step = [](std::int64_t step) {
    if (step == 3) std::raise(SIGTERM);
  };
  const TrainResult stopped = runs.live(*model, first);
  CHECK(stopped.signal == SIGTERM);
  CHECK(model->written == 1);
  for (const char* name : {"step-000002", "step-000003"})
    CHECK(fs::exists(runs.tiny.scratch / "stopped/checkpoints" / name / "MANIFEST"));
  TrainOptions rest = runs.options("stopped", true);
  rest.start = RunStart::resume;
  runs.live(*runs.model(), rest);
  CHECK(newest_checkpoint_of(runs.tiny.scratch / "stopped") == newest_checkpoint_of(runs.tiny.scratch / "plain"));
  CHECK(metrics_of(runs.tiny.scratch / "stopped") == metrics_of(runs.tiny.scratch / "plain"));
}

TEST_CASE("a checkpoint that cannot be written ends the run by the next save, and the one before it is resumed",
          "[train]") {
  const Runs runs;
  runs.live(*runs.model(), runs.options("plain", false));
  for (const auto delay : {0ms, 200ms}) {
    const std::string folder = "full" + std::to_string(delay.count());
    const auto model = runs.model();
    model->delay = delay;
    model->failing = 2;
    TrainOptions options = runs.options(folder, true);
    std::int64_t last = 0;
    options.after_step = [&](std::int64_t step) { last = step; };
    std::string message;
    try {
      runs.live(*model, options);
    } catch (const IoError& error) {
      message = error.what();
    }
    CHECK_THAT(message, ContainsSubstring("checkpoints/step-000004") && ContainsSubstring("No space left on device"));
    CHECK(last > 4);
    CHECK(last <= 6);
    CHECK(get_bytes(options.run / "checkpoints/LATEST") == "step-000002\n");
    TrainOptions rest = runs.options(folder, true);
    rest.start = RunStart::resume;
    runs.live(*runs.model(), rest);
    CHECK(runs.left_by(folder) == runs.left_by("plain"));
  }
}

TEST_CASE("a run without memory for the copy says so and saves between its steps", "[train]") {
  const Runs runs;
  runs.live(*runs.model(), runs.options("plain", false));
  for (const bool limited : {false, true}) {
    const std::string folder = limited ? "limited" : "refused";
    const auto model = runs.model();
    model->lacks_memory = !limited;
    if (limited) ::setenv("MOE_MEMORY_LIMIT", "1MB", 1);
    std::string told;
    {
      const StderrCapture captured;
      runs.live(*model, runs.options(folder, true));
      told = captured.text();
    }
    ::unsetenv("MOE_MEMORY_LIMIT");
    CHECK(model->snapshots == 0);
    CHECK_THAT(told,
               ContainsSubstring("note: --async-checkpoint needs memory for a copy of the model and its optimizer "
                                 "state (") &&
                   ContainsSubstring("; this run saves between its steps\n"));
    CHECK(runs.left_by(folder) == runs.left_by("plain"));
  }
}

TEST_CASE("a run that gives up names a last good checkpoint that is still being written", "[train]") {
  const Runs runs;
  const auto model = runs.model();
  model->delay = 300ms;
  model->finite_passes = 13;
  TrainOptions options = runs.options("run", true, 12);
  options.steps = 40;
  CHECK_THROWS_WITH(runs.live(*model, options),
                    ContainsSubstring("last good checkpoint: ") && ContainsSubstring("run/checkpoints/step-000012"));
}

TEST_CASE("a snapshot is not changed by steps, and no other one is taken while it is read", "[train]") {
  const Runs runs;
  const auto hash_of_all = [](const ModelTensors& all) {
    RunningHash hash;
    for (const auto* list : {&all.tensors, &all.optimizer_state})
      for (const TensorRef& tensor : *list)
        tensor.for_each_piece([&](std::size_t, std::span<const std::byte> bytes) { hash.add(bytes); });
    return hash.value();
  };
  const auto model = runs.model();
  TrainOptions options = runs.options("", false);
  options.run.clear();
  options.steps = 4;
  ModelTensors taken;
  std::uint64_t before = 0;
  options.after_step = [&](std::int64_t step) {
    if (step != 2) return;
    taken = model->WrappedModel::snapshot();
    before = hash_of_all({model->tensors(), model->optimizer_state()});
  };
  runs.live(*model, options);
  CHECK(hash_of_all(taken) == before);
  CHECK(hash_of_all({model->tensors(), model->optimizer_state()}) != before);
  CHECK(taken.bytes() == ModelTensors{model->tensors(), model->optimizer_state()}.bytes());
  CHECK_THROWS_AS(model->WrappedModel::snapshot(), moe::Error);
  CHECK(hash_of_all(taken) == before);
  taken = {};
  taken = model->WrappedModel::snapshot();
  CHECK(hash_of_all(taken) == hash_of_all({model->tensors(), model->optimizer_state()}));
}

}  // namespace async_checkpoint_test
