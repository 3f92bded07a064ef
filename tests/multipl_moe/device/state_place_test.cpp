/// Trainings whose optimizer state is in the memory of the host, against those whose state is on the device.
#include <csignal>

#include "../train/run_files.hpp"
#include "device_runs.hpp"
#include "moe/train/adamw.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace device_state_place_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::testing::WithLanes;

namespace {

TrainOptions in_place(TrainOptions options, StatePlace place) {
  options.state_place = place;
  return options;
}

/// A model that has taken a step.
std::unique_ptr<LanguageModel> begun(const DeviceRun& run, StatePlace place, const Sequences& batch) {
  auto model = run.on_device(ModelDtype::bfloat16);
  model->begin_training(run.options(1).trains, DeviceRun::in_bfloat16({}).precision, 1, place);
  model->accumulate(batch, 1, {.balance = 0.01});
  model->step({}, 0.01, 1, 1 / (1 + model->gradient_norm()));
  return model;
}

}  // namespace

TEST_CASE("optimizer state on the host gives the bits of state on the device, in every precision", "[device]") {
  const TinyRun tiny;
  const WithLanes lanes(1);
  const DeviceRun run(tiny, small_mixture_of("causal-multipl-moe"));
  const std::int64_t steps = moe::testing::is_slow_build ? 4 : 20;
  for (const ModelDtype dtype : {ModelDtype::float32, ModelDtype::bfloat16})
    for (const AdamWPrecision precision : all_adamw_precisions) {
      if (dtype == ModelDtype::bfloat16 && precision.master == moe::MasterWeights::float32) continue;
      INFO(name_of(dtype) << ", " << name_of(precision.master) << ", " << name_of(precision.moments));
      TrainOptions options = run.options(steps);
      options.precision = precision;
      const auto resident = run.on_device(dtype), offloaded = run.on_device(dtype);
      const auto expected = run.losses(*resident, options);
      CHECK(run.losses(*offloaded, in_place(options, StatePlace::host)) == expected);
      CHECK(hash_of(*offloaded) == hash_of(*resident));
      for (const TensorRef& tensor : offloaded->optimizer_state()) REQUIRE_FALSE(tensor.memory.empty());
      for (const TensorRef& tensor : resident->optimizer_state()) REQUIRE(tensor.memory.empty());
    }
}

TEST_CASE("a run is resumed to the bit with its optimizer state in the other place", "[device]") {
  const TinyRun tiny;
  const WithLanes lanes(1);
  const DeviceRun run(tiny, small_mixture_of("causal-multipl-moe"));
  const auto options_in = [&](const char* folder, StatePlace place) {
    TrainOptions options = in_place(DeviceRun::in_bfloat16(run.options(6)), place);
    options.run = tiny.scratch / folder;
    options.save_every = 2;
    return options;
  };
  run.losses(*run.on_device(ModelDtype::bfloat16), options_in("whole", StatePlace::device));
  StatePlace place = StatePlace::device;
  for (const std::int64_t step : {1, 3, 4, 6}) {
    TrainOptions part = options_in("parts", place);
    part.start = step == 1 ? RunStart::fresh : RunStart::resume;
    part.after_step = [=](std::int64_t done) {
      if (done == step) std::raise(SIGTERM);
    };
    run.losses(*run.on_device(ModelDtype::bfloat16), part);
    place = place == StatePlace::device ? StatePlace::host : StatePlace::device;
  }
  CHECK(newest_checkpoint_of(tiny.scratch / "parts") == newest_checkpoint_of(tiny.scratch / "whole"));
  CHECK(metrics_of(tiny.scratch / "parts") == metrics_of(tiny.scratch / "whole"));
}

TEST_CASE("a discarded step and a calibration do not touch optimizer state on the host", "[device]") {
  const TinyRun tiny;
  const WithLanes lanes(1);
  const DeviceRun run(tiny, small_mixture_of("causal-multipl-moe"));
  auto stream = tiny.stream();
  TokenBatch tokens;
  stream.next(tokens);
  const Sequences batch{tokens.sequences, tokens.length, tokens.tokens, tokens.targets, tokens.languages};
  const auto resident = begun(run, StatePlace::device, batch), offloaded = begun(run, StatePlace::host, batch);
  REQUIRE(hash_of(*offloaded) == hash_of(*resident));

  const std::uint64_t before = hash_of(*offloaded);
  offloaded->accumulate(batch, 1, {});
  offloaded->discard_step();
  CHECK(hash_of(*offloaded) == before);

  for (LanguageModel* each : {resident.get(), offloaded.get()}) each->calibrate(batch);
  CHECK(hash_of(*offloaded) != before);
  CHECK(hash_of(*offloaded) == hash_of(*resident));
  for (LanguageModel* each : {resident.get(), offloaded.get()}) {
    each->accumulate(batch, 1, {});
    each->step({}, 0.01, 2, 1);
  }
  CHECK(hash_of(*offloaded) == hash_of(*resident));
}

}  // namespace device_state_place_test
