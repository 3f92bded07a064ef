/// Checkpoints that are written while a training on a device continues.
#include "../support/stderr_capture.hpp"
#include "../train/run_files.hpp"
#include "device_runs.hpp"
#include "support/catch.hpp"

namespace device_async_checkpoint_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using moe::testing::DeviceMemory;
using moe::testing::WithLanes;

namespace {

struct Runs {
  TinyRun tiny;
  WithLanes lanes{1};
  DeviceRun run{tiny, small_mixture_of("causal-multipl-moe")};

  TrainOptions options(const std::string& folder, StatePlace place, bool async) const {
    TrainOptions options = DeviceRun::in_bfloat16(run.options(5), AdamWPrecision::Moments::float32);
    options.state_place = place;
    options.async_checkpoint = async;
    options.save_every = 1;
    options.run = tiny.scratch / folder;
    return options;
  }
  void live(const TrainOptions& options) const { run.losses(*run.on_device(ModelDtype::bfloat16), options); }
  std::string left_by(const std::string& folder) const {
    return newest_checkpoint_of(tiny.scratch / folder) + metrics_of(tiny.scratch / folder);
  }
};

std::uint64_t hash_of_all(const ModelTensors& all) {
  RunningHash hash;
  for (const auto* list : {&all.tensors, &all.optimizer_state})
    for (const TensorRef& tensor : *list)
      tensor.for_each_piece([&](std::size_t, std::span<const std::byte> bytes) { hash.add(bytes); });
  return hash.value();
}

}  // namespace

TEST_CASE("a run on a device that saves beside training leaves the files of one that does not", "[device]") {
  const Runs runs;
  runs.live(runs.options("plain", StatePlace::device, false));
  for (const StatePlace place : {StatePlace::device, StatePlace::host}) {
    const std::string folder = place == StatePlace::host ? "host" : "device";
    runs.live(runs.options(folder, place, true));
    CHECK(runs.left_by(folder) == runs.left_by("plain"));
    // The checkpoint before the last one was written beside a step.
    const auto before_last = [&](const std::string& of) {
      return get_bytes(runs.tiny.scratch / of / "checkpoints/step-000004/MANIFEST");
    };
    CHECK(before_last(folder) == before_last("plain"));
  }
}

TEST_CASE("a snapshot of a device is not changed by the steps after it", "[device]") {
  const Runs runs;
  for (const StatePlace place : {StatePlace::device, StatePlace::host}) {
    const auto model = runs.run.on_device(ModelDtype::bfloat16);
    TrainOptions options = runs.options("", place, false);
    options.run.clear();
    ModelTensors taken;
    std::uint64_t before = 0;
    options.after_step = [&](std::int64_t step) {
      if (step != 2) return;
      taken = model->snapshot();
      before = hash_of(*model);
    };
    runs.run.losses(*model, options);
    CHECK(hash_of_all(taken) == before);
    CHECK(hash_of(*model) != before);
    CHECK_THROWS_AS(model->snapshot(), moe::Error);
    taken = {};
    taken = model->snapshot();
    CHECK(hash_of_all(taken) == hash_of(*model));
  }
}

TEST_CASE("a run on a device without pinned memory for the copy says so and saves between its steps", "[device]") {
  const Runs runs;
  runs.live(runs.options("plain", StatePlace::device, false));
  TrainOptions options = runs.options("refused", StatePlace::device, true);
  const auto model = runs.run.on_device(ModelDtype::bfloat16);
  // All that begin_training() requests is granted, and then some of the copy's memory.
  auto& memory = DeviceMemory::get();
  const long many = 1'000'000;
  memory.fail_after = many;
  model->begin_training(options.trains, options.precision, 1);
  memory.fail_after = many - memory.fail_after + 2;
  std::string told;
  {
    const StderrCapture captured;
    runs.run.losses(*model, options);
    told = captured.text();
  }
  CHECK(memory.fail_after == -1);
  memory.fail_after = -1;
  CHECK_THAT(told, ContainsSubstring("note: --async-checkpoint needs memory for a copy of the model and its optimizer "
                                     "state (") &&
                       !ContainsSubstring("activations"));
  CHECK(runs.left_by("refused") == runs.left_by("plain"));
}

}  // namespace device_async_checkpoint_test
