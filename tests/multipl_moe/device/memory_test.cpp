/// Memory of trainings on the emulated device: none is asked for once the run is under way, and a refused allocation
/// changes nothing.
#include "../train/run_files.hpp"
#include "device_runs.hpp"
#include "moe/backend/cuda/errors.cuh"
#include "multipl_moe/data/batch_stream.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace device_memory_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::testing::DeviceMemory;
using moe::testing::WithLanes;

namespace {

/// One step's work, with gradients that are cleared if it throws.
void take_step(LanguageModel& model, const TokenBatch& batch, std::int64_t step) {
  const Sequences sequences{batch.sequences, batch.length, batch.tokens, batch.targets, batch.languages, batch.number};
  try {
    model.accumulate(sequences, 1, {.balance = 0.01});
    const double norm = model.gradient_norm();
    model.step({}, 0.01, step, 1 / (1 + norm));
  } catch (...) {
    model.discard_step();
    throw;
  }
}

}  // namespace

TEST_CASE("a training on a device holds the same memory after every step", "[device]") {
  const TinyRun tiny;
  const WithLanes lanes(1);
  const DeviceRun run(tiny, small_mixture_of("multipl-moe"));
  const auto model = run.on_device(ModelDtype::bfloat16);
  std::vector<std::size_t> live;
  TrainOptions options = DeviceRun::in_bfloat16(run.options(8));
  options.after_step = [&](std::int64_t) { live.push_back(DeviceMemory::get().live_bytes()); };
  run.losses(*model, options);
  for (std::size_t step = 2; step < live.size(); ++step) CHECK(live[step] == live[1]);
}

TEST_CASE("a training that is refused any of its memory has not begun, and changes nothing", "[device]") {
  const TinyRun tiny;
  const WithLanes lanes(1);
  const DeviceRun run(tiny, small_mixture_of("multipl-moe"));
  const long stride = moe::testing::is_slow_build ? 17 : 1;
  for (const StatePlace place : {StatePlace::device, StatePlace::host}) {
    const auto model = run.on_device(ModelDtype::bfloat16);
    const std::uint64_t before = hash_of(*model);
    const std::size_t live = DeviceMemory::get().live_bytes();
    long refused = 0;
    for (long n = 0;; n += stride) {
      DeviceMemory::get().fail_after = n;
      bool threw = false;
      try {
        model->begin_training(run.options(1).trains, DeviceRun::in_bfloat16({}).precision, 1, place);
      } catch (const std::bad_alloc&) {
        threw = true;
      }
      DeviceMemory::get().fail_after = -1;
      if (!threw) break;
      ++refused;
      INFO("allocation " << n << (place == StatePlace::host ? " with state on the host" : ""));
      REQUIRE(model->optimizer_state().empty());
      REQUIRE(model->gradients().empty());
      REQUIRE(hash_of(*model) == before);
      REQUIRE(DeviceMemory::get().live_bytes() == live);
    }
    CHECK(refused > 30 / stride);
    CHECK_FALSE(model->optimizer_state().empty());
  }
}

TEST_CASE("a step that is refused any of its memory changes nothing, and the next one succeeds", "[device]") {
  const StatePlace place = GENERATE(StatePlace::device, StatePlace::host);
  const TinyRun tiny;
  const WithLanes lanes(1);
  const DeviceRun run(tiny, small_mixture_of("multipl-moe"));
  const auto model = run.on_device(ModelDtype::bfloat16), undisturbed = run.on_device(ModelDtype::bfloat16);
  auto stream = tiny.stream();
  TokenBatch batch;
  stream.next(batch);
  for (LanguageModel* each : {model.get(), undisturbed.get()}) {
    each->begin_training(run.options(1).trains, DeviceRun::in_bfloat16({}).precision, 1, place);
    take_step(*each, batch, 1);
  }
  const std::uint64_t before = hash_of(*model);
  const std::size_t live = DeviceMemory::get().live_bytes();
  const long stride = moe::testing::is_slow_build ? 17 : 1;
  long refused = 0;
  for (long n = 0;; n += stride) {
    DeviceMemory::get().fail_after = n;
    bool threw = false;
    try {
      take_step(*model, batch, 2);
    } catch (const moe::DeviceOutOfMemory&) {
      threw = true;
    }
    DeviceMemory::get().fail_after = -1;
    if (!threw) break;
    ++refused;
    INFO("allocation " << n);
    REQUIRE(hash_of(*model) == before);
    REQUIRE(DeviceMemory::get().live_bytes() == live);
  }
  CHECK(refused > 100 / stride);
  take_step(*undisturbed, batch, 2);
  CHECK(hash_of(*model) == hash_of(*undisturbed));
}

TEST_CASE("a run that runs out of a device's memory is resumed to the bit", "[device]") {
  const TinyRun tiny;
  const WithLanes lanes(1);
  const DeviceRun run(tiny, small_mixture_of("multipl-moe"));
  const auto in = [&](const char* folder) {
    TrainOptions options = DeviceRun::in_bfloat16(run.options(5));
    options.run = tiny.scratch / folder;
    options.save_every = 2;
    return options;
  };
  run.losses(*run.on_device(ModelDtype::bfloat16), in("whole"));
  TrainOptions failing = in("refused");
  failing.after_step = [](std::int64_t step) {
    if (step == 3) DeviceMemory::get().fail_after = 40;
  };
  CHECK_THROWS_AS(run.losses(*run.on_device(ModelDtype::bfloat16), failing), moe::DeviceOutOfMemory);
  DeviceMemory::get().fail_after = -1;
  TrainOptions rest = in("refused");
  rest.start = RunStart::resume;
  run.losses(*run.on_device(ModelDtype::bfloat16), rest);
  CHECK(newest_checkpoint_of(tiny.scratch / "refused") == newest_checkpoint_of(tiny.scratch / "whole"));
}

}  // namespace device_memory_test
