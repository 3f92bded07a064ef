/// Whole trainings on the emulated device against the same trainings on the CPU.
#include <cmath>

#include "device_runs.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace device_training_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::testing::WithLanes;
using Moments = AdamWPrecision::Moments;

namespace {

constexpr std::int64_t steps = moe::testing::is_slow_build ? 6 : 20;

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) return INFINITY;
    largest = std::max(largest, std::abs(a[i] - b[i]));
  }
  return largest;
}

void check_against_cpu(const DeviceRun& run) {
  const WithLanes lanes(1);
  const auto expected = run.losses(*run.on_cpu(), run.options(steps));
  // The model learns: equal losses are not those of weights that stand still.
  CHECK(expected.back() < 0.98 * expected.front());
  const auto in_float = run.losses(*run.on_device(ModelDtype::float32), run.options(steps));
  CHECK(largest_difference(in_float, expected) <= 1e-5 * expected.front());
  const auto narrow = DeviceRun::in_bfloat16(run.options(steps));
  CHECK(largest_difference(run.losses(*run.on_device(ModelDtype::bfloat16), narrow), expected) <= 0.02);
}

}  // namespace

TEST_CASE("a dense model trains on a device as on the CPU", "[device]") {
  const TinyRun tiny;
  check_against_cpu(DeviceRun(tiny));
}
TEST_CASE("every mixture is post-trained on a device as on the CPU", "[device]") {
  const TinyRun tiny;
  for (const MoeConfig& mixture : small_mixtures()) {
    INFO(mixture.architecture);
    check_against_cpu(DeviceRun(tiny, mixture));
  }
}

TEST_CASE("a training on a device has equal bits in every run, with and without activation checkpointing", "[device]") {
  const TinyRun tiny;
  for (const MoeConfig& mixture : small_mixtures()) {
    if (!mixture.architecture.ends_with("multipl-moe")) continue;
    INFO(mixture.architecture);
    const DeviceRun run(tiny, mixture);
    const auto hash_after = [&](ModelDtype dtype, ActivationCheckpointing checkpointing, int lanes) {
      const WithLanes with(lanes);
      const auto model = run.on_device(dtype);
      TrainOptions options = run.options(4);
      if (dtype == ModelDtype::bfloat16) options = DeviceRun::in_bfloat16(options, Moments::float32);
      options.checkpointing = checkpointing;
      run.losses(*model, options);
      return hash_of(*model);
    };
    for (const ModelDtype dtype : {ModelDtype::float32, ModelDtype::bfloat16}) {
      const auto first = hash_after(dtype, ActivationCheckpointing::off, 2);
      CHECK(hash_after(dtype, ActivationCheckpointing::off, 2) == first);
      CHECK(hash_after(dtype, ActivationCheckpointing::on, 2) == first);
    }
  }
}

TEST_CASE("the host waits for a device once a layer and micro-batch, for its loss, and once for the gradient's norm",
          "[device]") {
  const TinyRun tiny;
  const WithLanes lanes(1);
  for (const MoeConfig& mixture : small_mixtures()) {
    INFO(mixture.architecture);
    const DeviceRun run(tiny, mixture);
    const auto model = run.on_device(ModelDtype::bfloat16);
    auto& device = device_of(*model);
    std::vector<long> waits;
    TrainOptions options = DeviceRun::in_bfloat16(run.options(4));
    options.after_step = [&](std::int64_t) { waits.push_back(device.waits); };
    // What reads the loads of experts waits for them, in the steps that report them alone.
    std::vector<bool> has_loads;
    options.on_report = [&](const StepReport& report) {
      has_loads.push_back(!report.loads.token.empty() || !report.loads.segment.empty());
    };
    options.loads_every = 3;
    auto stream = tiny.stream();
    train(*model, stream, options);
    CHECK(has_loads == std::vector<bool>{false, false, mixture.architecture != "lora", false});
    CHECK(waits[2] - waits[1] > waits[3] - waits[2]);
    // A capacity that drops also counts the chosen pairs and then the dropped ones.
    const long of_layer = mixture.architecture == "gshard" ? 3 : 1, layers = run.config().num_hidden_layers;
    CHECK(waits[3] - waits[2] == 2 * (of_layer * layers + 1) + 1);
  }
}

}  // namespace device_training_test
