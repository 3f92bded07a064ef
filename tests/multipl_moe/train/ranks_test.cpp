/// Runs on several ranks, which are threads here, compared with runs of one process.

#include "../support/stderr_capture.hpp"
#include "../support/wrapped_model.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "shared_run.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace ranks_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using moe::testing::ends_of_ranks;
using moe::testing::is_slow_build;
using moe::testing::ThreadComm;

namespace {

std::string on_ranks(int ranks) { return "on" + std::to_string(ranks); }

}  // namespace

TEST_CASE("a run on any number of ranks is bitwise identical to that of one process with the same slots", "[ranks]") {
  for (const char* architecture : {"causal-multipl-moe", "multipl-moe", "qwen1.5-moe"}) {
    if (is_slow_build && architecture != std::string("causal-multipl-moe")) continue;
    INFO(architecture);
    const SharedRun run(architecture);
    const TrainResult alone = run.live_alone(run.options("alone"));
    for (const int ranks : {1, 2, 4}) {
      if (is_slow_build && ranks != 2) continue;
      INFO(ranks << " ranks");
      const TrainResult result = run.live(ranks, run.options(on_ranks(ranks)));
      CHECK(result.steps == 5);
      CHECK(result.tokens == alone.tokens);
      CHECK(result.last_loss == alone.last_loss);
      run.require_same(on_ranks(ranks), "alone");
    }
  }
}

TEST_CASE("a run is the same on any number of ranks for every precision of the model and the optimizer", "[ranks]") {
  for (const ModelDtype dtype : {ModelDtype::float32, ModelDtype::bfloat16}) {
    SharedRun run;
    run.dtype = dtype;
    for (const AdamWPrecision precision : all_adamw_precisions) {
      if (dtype == ModelDtype::bfloat16 && precision.master == moe::MasterWeights::float32) continue;
      if (is_slow_build && precision.master != moe::MasterWeights::split) continue;
      INFO(name_of(dtype) << " " << name_of(precision.master) << " " << name_of(precision.moments));
      for (const int ranks : {1, 2, 4}) {
        if (is_slow_build && ranks == 4) continue;
        TrainOptions options = run.options(on_ranks(ranks));
        options.precision = precision;
        options.start = RunStart::replace;
        options.steps = 3;
        options.eval_every = 0;
        run.live(ranks, options);
        run.require_same(on_ranks(ranks), on_ranks(1));
      }
    }
  }
}

TEST_CASE("slots change the order of sums and nothing else", "[ranks]") {
  const SharedRun run;
  TrainOptions one = run.options("one");
  one.gradient_slots = 0;
  const TrainResult in_one = run.live_alone(one), in_four = run.live_alone(run.options("four"));
  CHECK(in_one.last_loss == Approx(in_four.last_loss).epsilon(1e-4));
  // A run of one process without slots records none, as before there were any.
  CHECK_THAT(get_bytes(run.tiny.scratch / "one/checkpoints/step-000005/trainer_state.json"),
             !ContainsSubstring("--gradient-slots"));
  CHECK_THAT(get_bytes(run.tiny.scratch / "four/checkpoints/step-000005/trainer_state.json"),
             ContainsSubstring("\"--gradient-slots\": \"4\""));
}

TEST_CASE("three ranks train as one process to rounding", "[ranks]") {
  const SharedRun run;
  TrainOptions options = run.options("three");
  options.accumulation = 6;
  options.gradient_slots = 3;
  const TrainResult three = run.live(3, options);
  options.run = run.tiny.scratch / "alone";
  options.gradient_slots = 0;
  CHECK(three.last_loss == Approx(run.live_alone(options).last_loss).epsilon(1e-4));
}

TEST_CASE("a run resumes on another number of ranks and is bitwise identical to an uninterrupted one", "[ranks]") {
  const SharedRun run;
  run.live_alone(run.options("whole"));
  TrainOptions options = run.options("moved");
  const auto live_until = [&](int ranks, std::int64_t step) {
    TrainOptions part = step > 1 ? resumed(options) : options;
    // The number of slots is the run's.
    if (step > 1) part.gradient_slots = 0;
    // The checkpoint of `step` has been written when the next step ends.
    part.after_step = [step](std::int64_t done) {
      if (done > step) throw std::runtime_error("stopped");
    };
    CHECK_THROWS_WITH(run.live(ranks, part), ContainsSubstring("stopped"));
  };
  options.save_every = 1;
  live_until(4, 1);
  live_until(1, 2);
  live_until(2, 3);
  TrainOptions last = resumed(options);
  last.gradient_slots = 0;
  const TrainResult result = run.live(4, last);
  CHECK(result.steps_before == 3);
  run.require_same("moved", "whole");
}

TEST_CASE("a resumed run says if its slots are others", "[ranks]") {
  const SharedRun run;
  TrainOptions options = run.options("run");
  options.steps = 2;
  run.live_alone(options);
  options = resumed(options);
  options.steps = 3;
  options.gradient_slots = 2;
  const StderrCapture capture;
  run.live(2, options);
  CHECK_THAT(capture.text(), ContainsSubstring("note: the run began with --gradient-slots 4 and continues with 2: "
                                               "gradients are added in another order"));
}

TEST_CASE("micro-batches and slots that cannot be dealt to the ranks are refused", "[ranks]") {
  const SharedRun run;
  TrainOptions options = run.options("run");
  options.gradient_slots = 0;
  CHECK_THROWS_WITH(run.live(3, options),
                    ContainsSubstring("--gradient-accumulation-steps must be a multiple of the number of processes") &&
                        ContainsSubstring("found 4 and 3 processes"));
  options.gradient_slots = 3;
  CHECK_THROWS_WITH(run.live_alone(options),
                    ContainsSubstring("--gradient-slots must be a multiple of the number of processes and divide "
                                      "--gradient-accumulation-steps, found 3, 1 process and 4"));
  options.gradient_slots = 1;
  CHECK_THROWS_AS(run.live(2, options), UsageError);
  CHECK_FALSE(std::filesystem::exists(run.tiny.scratch / "run"));
}

TEST_CASE("ranks with other settings or weights are named before anything is written", "[ranks]") {
  const SharedRun run;
  const auto errors_with = [&](const auto& change) {
    return ends_of_ranks(3, [&](ThreadComm comm) {
      TrainOptions options = run.options("run");
      options.accumulation = 3;
      options.gradient_slots = 3;
      auto model = run.start();
      if (comm.rank() == 2) change(options, *model);
      run.live_alone(SharedRun::on(options, std::move(comm)), std::move(model));
    });
  };
  for (const auto& error : errors_with([](TrainOptions&options, LanguageModel&) { options.learning_rate = 0.5; }))
    CHECK_THAT(moe::testing::text_of(error), ContainsSubstring("process 2 must run the same program") &&
                                                 ContainsSubstring("  --learning-rate: 0.01, found 0.5\n"));
  for (const auto& error : errors_with([](TrainOptions&options, LanguageModel&) { options.steps = 6; }))
    CHECK_THAT(moe::testing::text_of(error), ContainsSubstring("  --steps: 5, found 6\n"));
  for (const auto& error : errors_with([](TrainOptions&options, LanguageModel&) { options.gradient_slots = 0; }))
    CHECK_THAT(moe::testing::text_of(error), ContainsSubstring("  --gradient-slots as given: 3, found 0\n"));
  for (const auto& error : errors_with([](TrainOptions&options, LanguageModel&) { options.save_every = 1; }))
    CHECK_THAT(moe::testing::text_of(error), ContainsSubstring("  --save-steps: 2, found 1\n"));
  for (const auto& error :
       errors_with([](TrainOptions&options, LanguageModel&) { options.checkpointing = ActivationCheckpointing::on; }))
    CHECK_THAT(moe::testing::text_of(error), ContainsSubstring("  --gradient-checkpointing: false, found true\n"));
  for (const auto& error : errors_with([](TrainOptions&, LanguageModel& model) { model.initialize(9, 0.1); }))
    CHECK_THAT(moe::testing::text_of(error), ContainsSubstring("  values of the model: XXH3 "));
  CHECK_FALSE(std::filesystem::exists(run.tiny.scratch / "run"));
}

namespace {

/// Throws in the given micro-batch.
class FailingModel : public WrappedModel {
 public:
  FailingModel(std::unique_ptr<LanguageModel> inner, int call) : WrappedModel(std::move(inner)), call_(call) {}
  MicroBatchLoss accumulate(const Sequences& batch, double share, AuxiliaryWeights weights,
                            ActivationCheckpointing checkpointing) override {
    if (call_-- == 0) throw Failure("planted");
    return WrappedModel::accumulate(batch, share, weights, checkpointing);
  }

 private:
  int call_;
};

}  // namespace

TEST_CASE("an error of one rank ends the others, and the run can be resumed", "[ranks]") {
  const SharedRun run;
  run.live_alone(run.options("whole"));
  const auto errors = ends_of_ranks(2, [&](ThreadComm comm) {
    auto model = run.start();
    if (comm.rank() == 1) model = std::make_unique<FailingModel>(std::move(model), 7);
    run.live_alone(SharedRun::on(run.options("run"), std::move(comm)), std::move(model));
  });
  CHECK_THAT(moe::testing::text_of(errors[0]), ContainsSubstring("rank 1 has ended"));
  CHECK_THAT(moe::testing::text_of(errors[1]), ContainsSubstring("planted"));
  run.live(2, resumed(run.options("run")));
  run.require_same("run", "whole");
}

TEST_CASE("a disk that rank 0 cannot write to ends every rank", "[ranks]") {
  const SharedRun run;
  TrainOptions options = run.options("run");
  put_bytes(run.tiny.scratch / "run", "a file in the way");
  const auto errors =
      ends_of_ranks(2, [&](ThreadComm comm) { run.live_alone(SharedRun::on(options, std::move(comm))); });
  for (const auto& error : errors) CHECK(error != nullptr);
}

}  // namespace ranks_test
