/// A run that is stopped and resumed, compared with an uninterrupted run.
#include <algorithm>
#include <csignal>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "../support/stderr_capture.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "multipl_moe/train/trainer.hpp"
#include "run_files.hpp"
#include "support/catch.hpp"
#include "tiny_run.hpp"

namespace resume_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

/// Runs of a mixture with thresholds and frozen weights. Every call of live() makes its own copy of the model.
struct MixtureRun {
  TinyRun tiny;
  MoeConfig moe = mixture_named("causal-multipl-moe").value();

  MixtureRun() { moe.segment_window = 8; }

  TrainOptions options(const std::string& folder) const {
    TrainOptions options;
    options.steps = 9;
    options.accumulation = 2;
    options.learning_rate = 0.01;
    options.log_every = 0;
    options.save_every = 2;
    options.run = tiny.scratch / folder;
    return options;
  }
  TrainResult live(TrainOptions options, int threads = 1) const {
    const auto dense = make_language_model(tiny_config(), threads);
    dense->initialize(1, 0.05);
    const auto model = upcycled(*dense, moe, {.seed = 4});
    options.trains = post_training_weights(model->config());
    auto stream = tiny.stream();
    return train(*model, stream, options);
  }
  /// Runs until a signal after `step`.
  TrainResult live_until(std::int64_t step, TrainOptions options, int signal = SIGTERM) const {
    options.after_step = [=](std::int64_t done) {
      if (done == step) std::raise(signal);
    };
    return live(options);
  }
};

TrainOptions resumed(TrainOptions options) {
  options.start = RunStart::resume;
  return options;
}

std::string text_of(const std::exception& error) { return error.what(); }

}  // namespace

TEST_CASE("a run that is stopped after any step and resumed is bitwise identical to an uninterrupted one", "[resume]") {
  const MixtureRun run;
  const TrainResult whole = run.live(run.options("whole"));
  for (std::int64_t step = 1; step <= 9; ++step) {
    INFO("ended after step " << step);
    const TrainOptions options = run.options("ended" + std::to_string(step));
    const TrainResult first = run.live_until(step, options);
    CHECK(first.signal == SIGTERM);
    CHECK(first.checkpoint == options.run / "checkpoints" / ("step-00000" + std::to_string(step)));
    const TrainResult second = run.live(resumed(options), 1 + static_cast<int>(step % 2));
    CHECK(second.signal == 0);
    CHECK(second.steps == 9);
    CHECK(second.steps_before == step);
    CHECK(newest_checkpoint_of(options.run) == newest_checkpoint_of(run.tiny.scratch / "whole"));
    CHECK(metrics_of(options.run) == metrics_of(run.tiny.scratch / "whole"));
    if (step < 9) CHECK(second.last_loss == whole.last_loss);
  }
}

TEST_CASE("evaluations do not change a run, and a resumed run writes the same ones", "[resume]") {
  const MixtureRun run;
  run.live(run.options("plain"));
  const auto evaluated = [&](const std::string& folder) {
    TrainOptions options = run.options(folder);
    options.eval_every = 2;
    options.held_out = open_language_files(run.tiny.scratch / "data", "test", ByteTokenizer().hash());
    options.evaluation = {.sequences = 2, .length = 32, .max_bytes = 0, .max_sequences = 3};
    return options;
  };
  run.live(evaluated("evaluated"));
  CHECK(newest_checkpoint_of(run.tiny.scratch / "evaluated") == newest_checkpoint_of(run.tiny.scratch / "plain"));

  run.live_until(3, evaluated("ended"));
  run.live(resumed(evaluated("ended")), 2);
  CHECK(newest_checkpoint_of(run.tiny.scratch / "ended") == newest_checkpoint_of(run.tiny.scratch / "plain"));
  const std::string metrics = metrics_of(run.tiny.scratch / "evaluated");
  CHECK(metrics_of(run.tiny.scratch / "ended") == metrics);

  std::istringstream lines(metrics), plain(metrics_of(run.tiny.scratch / "plain"));
  for (std::int64_t step = 1; step <= 9; ++step) {
    std::string line, plain_line;
    REQUIRE(std::getline(lines, line));
    REQUIRE(std::getline(plain, plain_line));
    auto json = nlohmann::ordered_json::parse(line);
    CHECK(json.contains("held_out") == (step % 2 == 0));
    if (step % 2 == 0) CHECK(json["held_out"].size() == 6);
    json.erase("held_out");
    CHECK(json == nlohmann::ordered_json::parse(plain_line));
    // Two layers at both levels. If the shared expert counted, the token level's value would always be 3.
    REQUIRE(json["load"]["token"]["max_over_mean"].size() == 2);
    for (const auto& layer : json["load"]["token"]["max_over_mean"]) {
      CHECK(layer.get<double>() >= 1);
      CHECK(layer.get<double>() != 3);
    }
    CHECK(json["load"]["segment"]["entropy"].size() == 2);
    CHECK(json["load"]["segment"]["dropped"].size() == 2);
  }
}

TEST_CASE("a checkpoint has thresholds, their counts, and moments of trained weights only", "[resume]") {
  const MixtureRun run;
  run.live(run.options("run"));
  const auto loaded = load_model(run.tiny.scratch / "run", 1);
  int thresholds = 0, moved = 0;
  for (const TensorRef& slot : loaded->tensors()) {
    if (slot.name.ends_with("thresholds")) ++thresholds;
    if (slot.name.ends_with("threshold_updates")) moved += slot.floats()[0] == 18;
  }
  CHECK(thresholds > 0);
  CHECK(moved == thresholds);
  const std::string moments = get_bytes(run.tiny.scratch / "run/checkpoints/step-000009/optimizer.safetensors");
  CHECK_THAT(moments, ContainsSubstring("model.layers.0.mlp.token.experts.1.up_proj.weight.exp_avg_sq"));
  CHECK_THAT(moments, !ContainsSubstring("lm_head.weight.exp_avg"));
}

TEST_CASE("in every precision a resumed run equals an uninterrupted one, and another precision is refused",
          "[resume]") {
  const MixtureRun run;
  for (const AdamWPrecision precision : all_adamw_precisions) {
    INFO(name_of(precision.master) << " master weights, " << name_of(precision.moments) << " moments");
    TrainOptions whole = run.options("whole"), ended = run.options("ended");
    whole.precision = ended.precision = precision;
    whole.start = RunStart::replace;
    run.live(whole);
    fs::remove_all(ended.run);
    run.live_until(3, ended);
    TrainOptions other = resumed(ended);
    other.precision.moments = precision.moments == AdamWPrecision::Moments::float32 ? AdamWPrecision::Moments::bfloat16
                                                                                    : AdamWPrecision::Moments::float32;
    CHECK_THROWS_WITH(run.live(other), ContainsSubstring("--moments"));
    CHECK(run.live(resumed(ended), 2).steps_before == 3);
    CHECK(newest_checkpoint_of(ended.run) == newest_checkpoint_of(whole.run));
    CHECK(metrics_of(ended.run) == metrics_of(whole.run));
  }
}

TEST_CASE("a checkpoint with any file altered, truncated or missing is skipped for the previous one", "[resume]") {
  const MixtureRun run;
  run.live(run.options("whole"));
  run.live_until(7, run.options("run"));
  const fs::path checkpoints = run.tiny.scratch / "run/checkpoints";
  REQUIRE(names_in(checkpoints) == std::vector<std::string>{"LATEST", "step-000006", "step-000007"});
  for (const char* name :
       {"MANIFEST", "config.json", "model.safetensors", "optimizer.safetensors", "trainer_state.json"})
    for (const auto& damage : {alter, testing::truncate, +[](const fs::path& file) { fs::remove(file); }}) {
      INFO(name);
      const TrainOptions options = run.options("damaged");
      fs::remove_all(options.run);
      fs::copy(run.tiny.scratch / "run", options.run, fs::copy_options::recursive);
      damage(options.run / "checkpoints/step-000007" / name);
      std::string said;
      {
        const StderrCapture capture;
        CHECK(run.live(resumed(options)).steps_before == 6);
        said = capture.text();
      }
      CHECK_THAT(said, ContainsSubstring("warning: ") && ContainsSubstring("step-000007 is damaged") &&
                           ContainsSubstring(name));
      CHECK(newest_checkpoint_of(options.run) == newest_checkpoint_of(run.tiny.scratch / "whole"));
      CHECK(metrics_of(options.run) == metrics_of(run.tiny.scratch / "whole"));
      // The damaged checkpoint is removed as soon as a newer one is complete.
      CHECK(names_in(options.run / "checkpoints") == std::vector<std::string>{"LATEST", "step-000008", "step-000009"});
    }
}

TEST_CASE("an unfinished checkpoint, or an outdated LATEST, loses no step", "[resume]") {
  const MixtureRun run;
  run.live(run.options("whole"));
  const TrainOptions options = run.options("run");
  run.live_until(7, options);
  put_bytes(options.run / "checkpoints/.step-000008.partial/model.safetensors", "half");
  put_bytes(options.run / "checkpoints/LATEST", "step-000006\n");
  CHECK(run.live(resumed(options)).steps_before == 7);
  CHECK(newest_checkpoint_of(options.run) == newest_checkpoint_of(run.tiny.scratch / "whole"));
  CHECK(names_in(options.run / "checkpoints").size() == 3);
}

TEST_CASE("a kill between the last checkpoint and LATEST is repaired, even if no step is left", "[resume]") {
  const MixtureRun run;
  const TrainOptions options = run.options("run");
  run.live(options);
  const std::string whole = newest_checkpoint_of(options.run);
  put_bytes(options.run / "checkpoints/LATEST", "step-000008\n");
  fs::copy(options.run / "checkpoints/step-000008", options.run / "checkpoints/step-000007");
  CHECK(run.live(resumed(options)).steps_before == 9);
  CHECK(newest_checkpoint_of(options.run) == whole);
  CHECK(names_in(options.run / "checkpoints") == std::vector<std::string>{"LATEST", "step-000008", "step-000009"});
}

TEST_CASE("a run without a valid checkpoint does not resume", "[resume]") {
  const MixtureRun run;
  const TrainOptions options = run.options("run");
  CHECK_THROWS_AS(run.live(resumed(options)), BadFile);
  CHECK_FALSE(fs::exists(options.run));
  run.live_until(4, options);
  for (const char* step : {"step-000002", "step-000004"})
    alter(options.run / "checkpoints" / step / "model.safetensors");
  const StderrCapture capture;
  CHECK_THROWS_WITH(run.live(resumed(options)), ContainsSubstring("must hold a valid checkpoint"));
  CHECK_THAT(capture.text(), ContainsSubstring("step-000002") && ContainsSubstring("step-000004"));
}

TEST_CASE("changed settings of a run are refused with their names and both values", "[resume]") {
  const MixtureRun run;
  run.live_until(3, run.options("run"));
  const auto refusal = [&](auto&& change) {
    TrainOptions options = resumed(run.options("run"));
    change(options);
    try {
      run.live(options);
    } catch (const UsageError& error) {
      return text_of(error);
    }
    return std::string("resumed");
  };
  CHECK_THAT(refusal([](TrainOptions& o) { o.accumulation = 1; }),
             ContainsSubstring("--gradient-accumulation-steps: 2, found 1"));
  CHECK_THAT(refusal([](TrainOptions& o) { o.learning_rate = 0.02; }),
             ContainsSubstring("--learning-rate: 0.01, found 0.02"));
  CHECK_THAT(refusal([](TrainOptions& o) { o.final_rate = 0; }), ContainsSubstring("--final-rate: 0.1, found 0"));
  CHECK_THAT(refusal([](TrainOptions& o) { o.warm_up = 0.5; }), ContainsSubstring("--warmup-ratio: 0.05, found 0.5"));
  CHECK_THAT(refusal([](TrainOptions& o) { o.clip = 2; }), ContainsSubstring("--max-grad-norm: 1, found 2"));
  CHECK_THAT(refusal([](TrainOptions& o) { o.balance_weight = 0; }),
             ContainsSubstring("--balance-weight: 0.01, found 0"));
  CHECK_THAT(refusal([](TrainOptions& o) { o.optimizer.decay = 0; }),
             ContainsSubstring("--weight-decay: 0.1, found 0"));
  CHECK_THAT(refusal([](TrainOptions& o) { o.optimizer.beta_2 = 0.5; }),
             ContainsSubstring("AdamW beta_2: 0.95, found 0.5"));
  CHECK_THAT(refusal([](TrainOptions& o) { o.origin = "elsewhere"; }),
             ContainsSubstring("starting weights: given, found elsewhere"));
  CHECK(refusal([](TrainOptions& o) {
          o.save_every = 1;
          o.keep_checkpoints = 1;
          o.label = "x";
        }) == "resumed");
}

TEST_CASE("a run resumes with more steps and then follows the schedule of the new number of steps", "[resume]") {
  const MixtureRun run;
  const TrainOptions options = run.options("run");
  run.live(options);
  const std::string nine = metrics_of(options.run);
  fs::copy(options.run, run.tiny.scratch / "again", fs::copy_options::recursive);
  std::optional<RunBeginning> beginning;
  TrainOptions longer = resumed(options);
  longer.steps = 14;
  longer.before_run = [&](const RunBeginning& found) { beginning = found; };
  CHECK(run.live(longer).steps == 14);
  const std::string fourteen = metrics_of(options.run);
  CHECK(fourteen.starts_with(nine));

  // The rate is that of step 10 of 14, not the floor at which the run of 9 ended.
  TrainOptions whole = run.options("whole");
  whole.steps = 14;
  std::vector<double> rates;
  whole.on_report = [&](const StepReport& report) { rates.push_back(report.rate); };
  run.live(whole);
  REQUIRE(rates.size() == 14);
  std::istringstream lines(fourteen);
  std::int64_t step = 0;
  for (std::string line; std::getline(lines, line);)
    if (++step > 9) CHECK(nlohmann::json::parse(line)["learning_rate"] == rates[static_cast<std::size_t>(step) - 1]);
  CHECK(step == 14);
  REQUIRE(beginning);
  CHECK(beginning->steps_done == 9);
  CHECK(beginning->other_steps == 9);
  CHECK(beginning->rate == rates[9]);
  CHECK(beginning->other_rate == Catch::Approx(0.1 * options.learning_rate));

  // Stopped and resumed, the longer run is bitwise identical.
  TrainOptions ended = run.options("again");
  ended.start = RunStart::resume;
  ended.steps = 14;
  CHECK(run.live_until(11, ended).signal == SIGTERM);
  CHECK(run.live(ended, 2).steps_before == 11);
  CHECK(newest_checkpoint_of(ended.run) == newest_checkpoint_of(options.run));
  CHECK(metrics_of(ended.run) == fourteen);
}

TEST_CASE("a run may be shortened, but not below the completed steps", "[resume]") {
  const MixtureRun run;
  const TrainOptions options = run.options("run");
  run.live_until(4, options);
  TrainOptions shorter = resumed(options);
  shorter.steps = 3;
  CHECK_THROWS_WITH(run.live(shorter),
                    ContainsSubstring("--steps must be at least the 4 that are already done, found 3"));
  shorter.steps = 6;
  CHECK(run.live(shorter).steps == 6);
  CHECK(names_in(options.run / "checkpoints").back() == "step-000006");
}

TEST_CASE("a run does not resume with other data, another order of the data or another model", "[resume]") {
  TinyRun run;
  const auto live = [&](const ModelConfig& config, const LanguageWeights& weights, const BatchOptions& batch,
                        const LanguageFiles& files, RunStart start, const moe::TrainByName& trains) {
    const auto model = make_language_model(config, 1);
    model->initialize(1, 0.05);
    BatchStream stream(files, weights, batch);
    TrainOptions options;
    options.steps = 2;
    options.log_every = 0;
    options.run = run.scratch / "run";
    options.start = start;
    options.trains = trains;
    train(*model, stream, options);
  };
  const LanguageWeights even{1, 1, 1, 1, 1, 1};
  const BatchOptions batch{.sequences = 2, .length = 32, .seed = 1};
  const moe::TrainByName all;
  live(tiny_config(), even, batch, run.files, RunStart::fresh, all);
  CHECK_NOTHROW(live(tiny_config(), {2, 2, 2, 2, 2, 2}, batch, run.files, RunStart::resume, all));

  ModelConfig other_model = tiny_config();
  other_model.rope_theta = 5000;
  CHECK_THROWS_WITH(live(other_model, even, batch, run.files, RunStart::resume, all),
                    ContainsSubstring("model rope_theta: 1000000.0, found 5000.0"));
  for (const auto& [other, text] : std::vector<std::pair<BatchOptions, std::string>>{
           {{.sequences = 3, .length = 32, .seed = 1}, "--batch-size: 2, found 3"},
           {{.sequences = 2, .length = 16, .seed = 1}, "--sequence-length: 32, found 16"},
           {{.sequences = 2, .length = 32, .seed = 2}, "--seed: 1, found 2"}})
    CHECK_THROWS_WITH(live(tiny_config(), even, other, run.files, RunStart::resume, all), ContainsSubstring(text));
  CHECK_THROWS_WITH(live(tiny_config(), {1, 1, 1, 1, 1, 2}, batch, run.files, RunStart::resume, all),
                    ContainsSubstring("share of ruby: 0.166"));
  CHECK_THROWS_WITH(live(tiny_config(), even, batch, run.files, RunStart::resume, {.train = {"lm_head*"}}),
                    ContainsSubstring("weights that train"));
  LanguageFiles swapped = run.files;
  std::swap(swapped[0], swapped[1]);
  CHECK_THROWS_WITH(live(tiny_config(), even, batch, swapped, RunStart::resume, all),
                    ContainsSubstring("data of python: XXH3 "));
}

TEST_CASE("a new run does not overwrite another run's checkpoints unless it replaces that run", "[resume]") {
  const MixtureRun run;
  const TrainOptions options = run.options("run");
  run.live_until(3, options);
  const std::string before = newest_checkpoint_of(options.run), metrics = get_bytes(options.run / "metrics.jsonl");
  CHECK_THROWS_WITH(run.live(options), ContainsSubstring("found step-000003; --resume continues that run"));
  CHECK(newest_checkpoint_of(options.run) == before);
  CHECK(get_bytes(options.run / "metrics.jsonl") == metrics);
  TrainOptions replacing = options;
  replacing.start = RunStart::replace;
  replacing.steps = 2;
  run.live(replacing);
  CHECK(names_in(options.run / "checkpoints") == std::vector<std::string>{"LATEST", "step-000002"});
}

TEST_CASE("two processes never train in one folder", "[resume]") {
  const MixtureRun run;
  TrainOptions options = run.options("run");
  options.after_step = [&](std::int64_t step) {
    if (step == 3) CHECK_THROWS_WITH(run.live(resumed(run.options("run"))), ContainsSubstring("found another process"));
  };
  CHECK(run.live(options).steps == 9);
}

TEST_CASE("the requested number of newest checkpoints is kept", "[resume]") {
  const MixtureRun run;
  TrainOptions options = run.options("run");
  options.save_every = 1;
  options.keep_checkpoints = GENERATE(1, 3);
  run.live(options);
  CHECK(names_in(options.run / "checkpoints").size() == static_cast<std::size_t>(options.keep_checkpoints) + 1);
  CHECK(fs::exists(options.run / "checkpoints/step-000009"));
  options.keep_checkpoints = 0;
  options.run = run.tiny.scratch / "none";
  CHECK_THROWS_WITH(run.live(options), ContainsSubstring("at least 1 checkpoint, found 0"));
}

}  // namespace resume_test
