/// The check before a training on a GPU of this machine, whose sizes the test invents.
#include "multipl_moe/cli/device_dry_run.hpp"

#include <cstdlib>

#include "multipl_moe/cli/device_option.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "support/catch.hpp"

namespace device_dry_run_test {

using namespace multipl_moe;
using Catch::Matchers::ContainsSubstring;
using enum moe::MasterWeights;

namespace {

constexpr auto wide = AdamWPrecision::Moments::float32, narrow = AdamWPrecision::Moments::bfloat16;
constexpr auto off = ActivationCheckpointing::off;
constexpr std::int64_t gib = std::int64_t{1} << 30;

/// Free memory of the process while the object exists.
struct FreeMemory {
  explicit FreeMemory(std::int64_t bytes) {
    setenv("MOE_MEMORY_LIMIT", std::to_string(resident_bytes() + bytes).c_str(), 1);
  }
  FreeMemory(const FreeMemory&) = delete;
  FreeMemory& operator=(const FreeMemory&) = delete;
  ~FreeMemory() { unsetenv("MOE_MEMORY_LIMIT"); }
};

struct SmallModel {
  ModelConfig config;
  std::function<bool(std::string_view)> trains = moe::TrainByName();
  TrainingCounts counts;
  MicroBatch batch{.sequences = 2, .length = 64};

  SmallModel() {
    config = size_named("tiny");
    config.hidden_size = 512;
    config.intermediate_size = 1024;
    config.moe = mixture_named("causal-multipl-moe");
    counts = training_counts(config, trains);
  }
  DevicePlan plan(const DeviceForm& form) const { return device_plan(config, counts, batch, form); }
  /// The message of the check for a GPU with `device` bytes for a process and a machine of `host` bytes; empty if it
  /// passes.
  std::string refusal(const DeviceForm& form, std::int64_t device, std::int64_t host) const {
    const FreeMemory free(host);
    Gpu gpu;
    gpu.name = "NVIDIA H200";
    gpu.memory_bytes = device;
    // CUDA counts the process's own context as used.
    gpu.free_bytes = device - context_bytes;
    try {
      require_device_memory({"train", config, trains, counts, batch, form, gpu});
    } catch (const OutOfMemory& error) {
      return error.what();
    }
    return "";
  }
};

}  // namespace

TEST_CASE("pinned memory is checked against the free memory of the machine") {
  const SmallModel model;
  const DeviceForm on_host{{split, wide}, off, StatePlace::host};
  const DevicePlan plan = model.plan(on_host);
  // The free memory is what the process does not hold: other tests may change that by some megabytes.
  const std::int64_t slack = 32 << 20;
  REQUIRE(plan.pinned > 4 * slack);
  CHECK(model.refusal(on_host, plan.on_device(), plan.pinned + slack).empty());
  CHECK_THAT(model.refusal(on_host, plan.on_device(), plan.pinned - slack),
             ContainsSubstring("[train] pinned memory of the host must hold the optimizer's state (") &&
                 ContainsSubstring("; --moments bfloat16 --optimizer-state host fits"));
  // Not asked for, nothing is pinned.
  const DeviceForm resident{{split, wide}, off};
  CHECK(model.refusal(resident, model.plan(resident).on_device(), slack).empty());
}

TEST_CASE("the advice for a GPU or a machine that is too small names the other place") {
  const SmallModel model;
  const DeviceForm resident{{split, wide}, off}, on_host{{split, wide}, off, StatePlace::host};
  const DeviceForm smallest{{bfloat16, narrow}, ActivationCheckpointing::on, StatePlace::device};
  REQUIRE(model.plan(on_host).on_device() < model.plan(smallest).on_device());
  CHECK_THAT(
      model.refusal(resident, model.plan(on_host).on_device(), 64 * gib),
      ContainsSubstring("[train] cuda:0 must hold weights") && ContainsSubstring("; --optimizer-state host fits"));
  CHECK_THAT(model.refusal(on_host, 64 * gib, 1 << 20), ContainsSubstring("; --optimizer-state device fits"));
  CHECK_THAT(model.refusal(on_host, model.plan({{split, narrow}, off}).on_device(), 1 << 20),
             ContainsSubstring("; --moments bfloat16 --optimizer-state device fits"));
  // The leanest state does not fit anywhere.
  CHECK_THAT(model.refusal(on_host, model.plan(on_host).on_device(), 1 << 20),
             ContainsSubstring("no setting of this command makes them fit"));
}

}  // namespace device_dry_run_test
