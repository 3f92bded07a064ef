/// The stages of the GPU check at tiny sizes, on the emulated device.
#include <algorithm>
#include <cmath>
#include <optional>

#include "../io/scratch.hpp"
#include "bench/gpu_program/model_values.hpp"
#include "bench/gpu_program/stages.hpp"
#include "bench/gpu_program/timed_operations.hpp"
#include "emulated_model.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"
#include "wrong_model.hpp"

namespace device_gpu_program_test {

using namespace gpu_program;
using multipl_moe::testing::make_emulated_model;
using multipl_moe::testing::ScratchFolder;
using B = moe::testing::EmulatedWarps;

namespace {

struct HostClock {
  template <class F>
  double time(const F& f) {
    const Stopwatch watch;
    f();
    return watch.seconds();
  }
};

template <class Use>
std::vector<TimedOperation> timed(const Use& use) {
  const B::Context context;
  HostClock clock;
  TimedOperations<moe::BFloat16, B, HostClock> operations(context, clock, 2, 0);
  return use(operations);
}

Subject emulated_subject() {
  auto& memory = moe::testing::DeviceMemory::get();
  Subject subject;
  subject.machine = [] { return std::string("an emulated device\n"); };
  subject.make = [](const multipl_moe::ModelConfig& config) {
    return make_emulated_model(config, multipl_moe::ModelDtype::bfloat16);
  };
  subject.wait = [] {};
  subject.free_bytes = [] { return std::int64_t{1} << 34; };
  subject.memory = [&] { return MemoryFound{static_cast<std::int64_t>(memory.peak_bytes()), 100, 110}; };
  subject.forget_peak = [&] { memory.forget_peak(); };
  subject.ceilings = [] { return timed([](auto& operations) { return operations.ceilings(16, 4096); }); };
  subject.operations = [](const OperationSizes& sizes) {
    return timed([&](auto& operations) { return operations.of_model(sizes); });
  };
  return subject;
}

Sizes tiny_sizes() {
  Sizes sizes;
  auto& config = sizes.full.config;
  config = multipl_moe::size_named("tiny");
  config.hidden_size = 16;
  config.intermediate_size = 24;
  config.vocab_size = 40;
  config.moe = multipl_moe::mixture_named("multipl-moe", config.intermediate_size);
  config.moe->num_token_experts = 4;
  config.moe->num_segment_experts = 3;
  config.moe->segment_window = 8;
  sizes.full.sequences = 2;
  sizes.full.length = 16;
  sizes.accumulation = 2;
  sizes.layers = {1, 2};
  sizes.tiny_steps = 6;
  sizes.repeats = 2;
  sizes.decoded = 2;
  sizes.learning_rate = 0.01;
  sizes.threads_to_draw = 1;
  return sizes;
}

struct Run {
  ScratchFolder scratch;
  Subject subject = emulated_subject();
  Sizes sizes = tiny_sizes();

  int operator()(const char* stage) const {
    const moe::testing::WithLanes lanes(1);
    return run_stage(
        stage, [&] { return subject; }, sizes, scratch.path());
  }
  std::string page(const char* stage) const {
    return multipl_moe::read_whole_file(scratch / (std::string(stage) + ".md"), 1 << 20);
  }
  bool shows(const char* stage, const char* text) const { return page(stage).find(text) != std::string::npos; }
};

/// One tensor in the middle of its gradients is not a number.
struct NanGradient : multipl_moe::testing::WrongModel {
  using WrongModel::WrongModel;
  std::vector<multipl_moe::TensorRef> gradients() override {
    auto all = WrongModel::gradients();
    // The bias of keys has no gradient but rounding, which the stage leaves out.
    const auto wrong = std::find_if(all.begin() + std::ssize(all) / 2, all.end(),
                                    [](const auto& each) { return !each.name.ends_with("bias.grad"); });
    fill_values(*wrong, [](std::size_t) { return NAN; });
    return all;
  }
};
/// The gradient of one step is not a number, as the trainer sees it.
struct NanStep : multipl_moe::testing::WrongModel {
  using WrongModel::WrongModel;
  mutable int steps = 0;
  double gradient_norm() const override { return ++steps == 3 ? NAN : WrongModel::gradient_norm(); }
};
template <class Wrong>
std::unique_ptr<multipl_moe::LanguageModel> wrong(const multipl_moe::ModelConfig& config) {
  return std::make_unique<Wrong>(make_emulated_model(config, multipl_moe::ModelDtype::bfloat16));
}

/// Trains, but its loss is another one, or it learns nothing.
struct WrongLoss : multipl_moe::testing::WrongModel {
  double offset = 0;
  bool steps_back = false;
  double steps = 0;
  WrongLoss(std::unique_ptr<multipl_moe::LanguageModel> right, double added, bool back)
      : WrongModel(std::move(right)), offset(added), steps_back(back) {}
  multipl_moe::MicroBatchLoss accumulate(const multipl_moe::Sequences& batch, double share,
                                         multipl_moe::AuxiliaryWeights weights,
                                         multipl_moe::ActivationCheckpointing checkpointing) override {
    auto loss = WrongModel::accumulate(batch, share, weights, checkpointing);
    loss.loss += offset + 0.2 * steps;
    return loss;
  }
  void step(const moe::AdamW& optimizer, double rate, std::int64_t step, double scale) override {
    WrongModel::step(optimizer, rate, step, scale);
    if (steps_back) ++steps;
  }
};

}  // namespace

TEST_CASE("the stages doctor and shapes show times, rates, and shares of the limits", "[device]") {
  const Run run;
  CHECK(run("shapes") == 0);
  CHECK(run.shows("shapes", "The limits of the GPU are not known"));
  CHECK(run("doctor") == 0);
  CHECK(run.shows("doctor", "an emulated device"));
  CHECK(stored_ceilings(run.scratch.path()).flops_per_second > 0);
  CHECK(stored_ceilings(run.scratch.path()).bytes_per_second > 0);
  CHECK(run("shapes") == 0);
  CHECK(run.shows("shapes", "of a dense product"));
  CHECK(run.shows("shapes", "of a copy"));
  CHECK(run.shows("doctor", "| copy, largest |"));
  CHECK(run.shows("shapes", "attention, backward"));
}

TEST_CASE("the stage operations agrees on a right device, and finds a wrong one", "[device]") {
  Run run;
  CHECK(run("operations") == 0);
  CHECK(run.shows("operations", "| mole, largest in"));
  CHECK(run.page("operations").find("Wrong") == std::string::npos);

  // The device computes the norms' scales with another epsilon.
  run.subject.make = [](multipl_moe::ModelConfig config) {
    config.rms_norm_eps = 1e-2;
    return make_emulated_model(config, multipl_moe::ModelDtype::bfloat16);
  };
  CHECK(run("operations") == 1);
  CHECK(run.shows("operations", "In short: wrong: dense: "));
}

TEST_CASE("values that are not numbers are never within a limit, whatever follows them", "[device]") {
  Run run;
  run.subject.make = wrong<NanGradient>;
  CHECK(run("operations") == 1);
  CHECK(run.shows("operations", "In short: wrong: dense: "));
  CHECK(run.shows("operations", "0 of "));
  run.subject.make = wrong<NanStep>;
  CHECK(run("tiny") == 1);
  CHECK(run.shows("tiny", "**Wrong:** the losses differ by inf in step 3"));
}

TEST_CASE("a stage tiny that was killed is repeated beside the run that it has left", "[device]") {
  const Run run;
  std::filesystem::create_directories(run.scratch / "tiny/run/checkpoints/step-000005");
  CHECK(run("tiny") == 0);
}

TEST_CASE("the stage tiny trains, repeats and resumes", "[device]") {
  Run run;
  CHECK(run("tiny") == 0);
  CHECK(run.shows("tiny", "2 runs, 1 hash; resumed to the bit"));
  CHECK_FALSE(std::filesystem::exists(run.scratch / "tiny"));

  // A device on which every second model adds in another order.
  std::optional<moe::testing::WithLanes> lanes;
  run.subject.make = [&, count = 0](const multipl_moe::ModelConfig& config) mutable {
    lanes.reset();
    lanes.emplace(1 + ++count % 2);
    return make_emulated_model(config, multipl_moe::ModelDtype::bfloat16);
  };
  CHECK(run("tiny") == 1);
  CHECK(run.shows("tiny", "**Wrong:** 2 equal runs have 2 hashes"));
  CHECK(run.shows("tiny", "**Wrong:** a resumed run has other bits"));
}

TEST_CASE("the stages of large models show steps, memory and targets", "[device]") {
  const Run run;
  CHECK(run("full") == 0);
  CHECK(run.shows("full", "Step 3 of 2 layers: "));
  CHECK(run.shows("full", "tokens/s | >= 28700 | >= 33000 |"));
  CHECK(run.shows("full", "| memory, the most in use |"));
  CHECK(run.shows("full", "| not measured: nothing is saved |  | <= 15 |"));
  CHECK(run.shows("full", "| pool of activations, reserved / used | 1.1 |  | <= 1.15 |"));
  CHECK(run("layers") == 0);
  CHECK(run.shows("layers", "Step 3 of 1 layers: "));
  CHECK(run.shows("layers", "In short: 1 layers "));
  CHECK(run("generate") == 0);
  CHECK(run.shows("generate", "| prefill |"));
  CHECK(run.shows("generate", "| decoding, 8 together |"));
  CHECK(run("forms") == 0);
  CHECK(run.shows("forms", "split master weights, bfloat16 moments, gradient checkpointing:"));
  CHECK(run.shows("forms", "split master weights, float32 moments, optimizer state in host memory:"));
}

TEST_CASE("a training that does not fit is planned with fewer layers or reported", "[device]") {
  Run run;
  const auto forms = multipl_moe::all_device_forms();
  // The least free memory into which a plan fits with its margin.
  const auto enough_for = [](const multipl_moe::DevicePlan& plan) {
    return static_cast<std::int64_t>(static_cast<double>(plan.on_device()) / 0.97) + 1;
  };
  const std::int64_t for_best = enough_for(plan_of(run.sizes.full, forms.front()));
  CHECK(fitted(run.sizes.full, for_best).form == forms.front());
  CHECK(fitted(run.sizes.full, for_best - 2).form != forms.front());
  auto one_layer = run.sizes.full;
  one_layer.config.num_hidden_layers = 1;
  std::int64_t least = for_best;
  for (const auto& form : forms) least = std::min(least, enough_for(plan_of(one_layer, form)));
  CHECK(fitted(run.sizes.full, least).config.num_hidden_layers == 1);
  CHECK_THROWS_AS(fitted(run.sizes.full, least - 2), multipl_moe::Failure);

  run.subject.free_bytes = [=] { return least; };
  CHECK(run("full") == 0);
  CHECK(run.shows("full", "1 of 2 layers"));
  CHECK(run.shows("full", "More layers do not fit"));
  // The targets are those of the whole model.
  CHECK_FALSE(run.shows("full", "28700"));
}

TEST_CASE("targets are for the form of training that they were computed for", "[device]") {
  Run run;
  const auto forms = multipl_moe::all_device_forms();
  // The first form that recomputes is smaller than those before it.
  const auto smaller = *std::find_if(forms.begin(), forms.end(), [](const auto& form) {
    return form.checkpointing == multipl_moe::ActivationCheckpointing::on;
  });
  const auto plan = plan_of(run.sizes.full, smaller);
  run.subject.free_bytes = [=] { return static_cast<std::int64_t>(static_cast<double>(plan.on_device()) / 0.97) + 1; };
  REQUIRE(fitted(run.sizes.full, run.subject.free_bytes()).form == smaller);
  CHECK(run("full") == 0);
  CHECK(run.shows("full", "2 of 2 layers"));
  CHECK_FALSE(run.shows("full", "28700"));
}

TEST_CASE("models that follow one another are planned for the memory that was free before the first", "[device]") {
  Run run;
  run.subject.free_bytes = [count = 0]() mutable { return count++ == 0 ? std::int64_t{1} << 34 : 0; };
  CHECK(run("layers") == 0);
  CHECK(run.shows("layers", "Step 3 of 2 layers: "));
}

TEST_CASE("a model that does not fit is not decoded", "[device]") {
  Run run;
  run.subject.free_bytes = [] { return std::int64_t{1} << 20; };
  run.subject.make = [](const multipl_moe::ModelConfig&) -> std::unique_ptr<multipl_moe::LanguageModel> {
    throw multipl_moe::Failure("out of memory");
  };
  CHECK(run("generate") == 0);
  CHECK(run.shows("generate", "| prefill and decoding | not measured: the plan of "));
}

TEST_CASE("a model whose first loss is not that of random weights, or which learns nothing, has failed", "[device]") {
  Run run;
  const auto with_loss = [&](double offset, bool steps_back) {
    run.subject.make = [=](const multipl_moe::ModelConfig& config) -> std::unique_ptr<multipl_moe::LanguageModel> {
      return std::make_unique<WrongLoss>(make_emulated_model(config, multipl_moe::ModelDtype::bfloat16), offset,
                                         steps_back);
    };
  };
  with_loss(-2, false);
  CHECK(run("full") == 1);
  CHECK(run.shows("full", "**Wrong:** the first loss is "));
  with_loss(0, true);
  CHECK(run("full") == 1);
  CHECK(run.shows("full", "**Wrong:** the loss of the same tokens is "));
}

TEST_CASE("an error of a stage is on its page", "[device]") {
  Run run;
  run.subject.operations = [](const OperationSizes&) -> std::vector<TimedOperation> {
    throw multipl_moe::Failure("the device is lost");
  };
  CHECK(run("shapes") == 1);
  CHECK(run.shows("shapes", "In short: wrong: the device is lost"));
  CHECK_THROWS_AS(run("nothing"), multipl_moe::UsageError);
  const auto no_device = []() -> Subject { throw multipl_moe::Failure("the driver is too old"); };
  CHECK(run_stage("doctor", no_device, run.sizes, run.scratch.path()) == 1);
  CHECK(run.shows("doctor", "In short: wrong: the driver is too old"));
}

}  // namespace device_gpu_program_test
