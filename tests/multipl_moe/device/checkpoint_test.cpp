/// Checkpoints of a device and of the CPU are the same files.
#include <csignal>

#include "../train/run_files.hpp"
#include "device_runs.hpp"
#include "multipl_moe/eval/generate.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "support/catch.hpp"

namespace device_checkpoint_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::testing::WithLanes;
namespace fs = std::filesystem;

namespace {

struct Runs {
  TinyRun tiny;
  WithLanes lanes{1};
  DeviceRun run{tiny, small_mixture_of("causal-multipl-moe")};

  TrainOptions options(const std::string& folder, std::int64_t steps) const {
    TrainOptions options = DeviceRun::in_bfloat16(run.options(steps), AdamWPrecision::Moments::float32);
    options.run = tiny.scratch / folder;
    options.save_every = 2;
    return options;
  }
  /// Goes on with a run on the device or on the CPU.
  void go_on(const std::string& folder, std::int64_t steps, bool on_device) const {
    TrainOptions rest = options(folder, steps);
    rest.start = RunStart::resume;
    run.losses(on_device ? *run.on_device(ModelDtype::bfloat16) : *run.on_cpu(ModelDtype::bfloat16), rest);
  }
  /// Name and hash of each file of the newest checkpoint that holds tensors.
  std::string tensors_of(const std::string& folder) const {
    const fs::path run_folder = tiny.scratch / folder;
    std::string name = get_bytes(run_folder / "checkpoints/LATEST");
    name.pop_back();
    std::string text;
    for (const char* file : {"model.safetensors", "optimizer.safetensors"})
      text += std::to_string(multipl_moe::hash_of(get_bytes(run_folder / "checkpoints" / name / file))) + " ";
    return text;
  }
};

}  // namespace

TEST_CASE("a run on a device that is stopped and resumed is bitwise identical to an uninterrupted one", "[device]") {
  const Runs runs;
  runs.run.losses(*runs.run.on_device(ModelDtype::bfloat16), runs.options("whole", 5));
  for (const std::int64_t step : {1, 3, 4}) {
    INFO("ended after step " << step);
    const std::string folder = "ended" + std::to_string(step);
    TrainOptions first = runs.options(folder, 5);
    first.after_step = [=](std::int64_t done) {
      if (done == step) std::raise(SIGTERM);
    };
    runs.run.losses(*runs.run.on_device(ModelDtype::bfloat16), first);
    runs.go_on(folder, 5, true);
    CHECK(newest_checkpoint_of(runs.tiny.scratch / folder) == newest_checkpoint_of(runs.tiny.scratch / "whole"));
    CHECK(metrics_of(runs.tiny.scratch / folder) == metrics_of(runs.tiny.scratch / "whole"));
  }
}

TEST_CASE("a checkpoint of a device is read on the CPU to the bit, and back", "[device]") {
  const Runs runs;
  runs.run.losses(*runs.run.on_device(ModelDtype::bfloat16), runs.options("run", 2));
  const std::string saved = runs.tensors_of("run");
  const auto folder = runs.tiny.scratch / "run/checkpoints/step-000002";
  const auto on_cpu = load_model(folder, 1, ModelDtype::bfloat16);
  const auto back = make_emulated_model(on_cpu->config(), ModelDtype::bfloat16);
  read_weights(*back, folder);
  save_model(*on_cpu, runs.tiny.scratch / "cpu", {.torch_dtype = "bfloat16"});
  save_model(*back, runs.tiny.scratch / "device", {.torch_dtype = "bfloat16"});
  CHECK(get_bytes(runs.tiny.scratch / "cpu/model.safetensors") == get_bytes(folder / "model.safetensors"));
  CHECK(get_bytes(runs.tiny.scratch / "device/model.safetensors") == get_bytes(folder / "model.safetensors"));

  // A run goes on where it was, whichever device computed its first steps.
  runs.go_on("run", 4, false);
  CHECK(runs.tensors_of("run") != saved);
  runs.go_on("run", 6, true);
  CHECK(newest_checkpoint_of(runs.tiny.scratch / "run").starts_with("step-000006"));
}

TEST_CASE("a model on a device writes the text that it writes on the CPU", "[device]") {
  const Runs runs;
  const auto on_cpu = runs.run.on_cpu(), on_device = runs.run.on_device(ModelDtype::float32);
  runs.run.losses(*on_cpu, runs.run.options(30));
  copy_values(*on_cpu, *on_device);
  const std::vector<std::string> prompts{"def add(a, b):", "fn main() {", "p", "int main(int argc, char** argv) {\n"};
  const GenerateOptions greedy{.max_new_tokens = 40, .temperature = 0, .weights = DecodingWeights::as_they_are};
  const auto expected = generate(*on_cpu, prompts, greedy), found = generate(*on_device, prompts, greedy);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    CHECK(expected[i].tokens.size() == 40);
    CHECK(found[i].tokens == expected[i].tokens);
  }
}

}  // namespace device_checkpoint_test
