/// Runs whose ranks share one balance loss, compared with runs of one process that has their micro-batches in one.
#include <array>
#include <cmath>
#include <sstream>

#include "../support/stderr_capture.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "shared_run.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace global_balance_run_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Loss, auxiliary losses and gradient norm of each step.
std::vector<std::array<double, 3>> steps_of(const std::filesystem::path& run) {
  std::istringstream lines(get_bytes(run / "metrics.jsonl"));
  std::vector<std::array<double, 3>> steps;
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    steps.push_back({json["loss"], json["aux"], json["gradient_norm"]});
  }
  return steps;
}
double largest_difference(const std::vector<std::array<double, 3>>& a, const std::vector<std::array<double, 3>>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t s = 0; s < a.size(); ++s)
    for (std::size_t i = 0; i < 3; ++i) largest = std::max(largest, std::abs(a[s][i] - b[s][i]) / std::abs(a[s][i]));
  return largest;
}

}  // namespace

TEST_CASE("with a global balance the micro-batches of all ranks train as one", "[ranks]") {
  for (const char* architecture : {"mixtral", "multipl-moe-without-segments"})
    for (const int ranks : {2, 4}) {
      if (moe::testing::is_slow_build && (ranks == 4 || architecture != std::string("mixtral"))) continue;
      INFO(architecture << " on " << ranks << " ranks");
      SharedRun run(architecture);
      const auto options_of = [&](const std::string& folder, int micro_batches) {
        TrainOptions options = run.options(folder);
        options.accumulation = micro_batches;
        options.gradient_slots = 0;
        options.steps = 3;
        options.save_every = options.eval_every = 0;
        options.balance_weight = 2;
        return options;
      };
      const auto live_on_ranks = [&](const std::string& folder, bool is_global, ActivationCheckpointing checkpointing) {
        run.moe.global_balance = is_global;
        TrainOptions options = options_of(folder, ranks);
        options.checkpointing = checkpointing;
        run.live(ranks, options);
        return steps_of(options.run);
      };
      // One process whose micro-batch has the sequences of all ranks.
      auto model = run.start();
      auto stream = BatchStream(run.tiny.files, {1, 1, 1, 1, 1, 1}, {.sequences = 2 * ranks, .length = 32, .seed = 1});
      TrainOptions options = options_of("alone", 1);
      options.trains = post_training_weights(model->config());
      train(*model, stream, options);
      const auto alone = steps_of(options.run);
      CHECK(largest_difference(alone, live_on_ranks("global", true, ActivationCheckpointing::off)) < 1e-4);
      CHECK(largest_difference(alone, live_on_ranks("local", false, ActivationCheckpointing::off)) > 1e-3);
      live_on_ranks("recomputed", true, ActivationCheckpointing::on);
      CHECK(metrics_of(run.tiny.scratch / "recomputed") == metrics_of(run.tiny.scratch / "global"));
    }
}

TEST_CASE("a resumed run says if the processes of its global balance are others", "[ranks]") {
  SharedRun run("mixtral");
  run.moe.global_balance = true;
  TrainOptions options = run.options("run");
  options.steps = 2;
  run.live(2, options);
  options = resumed(options);
  options.steps = 3;
  const StderrCapture capture;
  run.live(2, options);
  CHECK_THAT(capture.text(), !ContainsSubstring("--global-balance"));
  options.steps = 4;
  run.live(4, options);
  CHECK_THAT(capture.text(), ContainsSubstring("note: the run began in 2 processes and continues in 4 processes: with "
                                               "--global-balance the micro-batches of all processes share one"));
}

}  // namespace global_balance_run_test
