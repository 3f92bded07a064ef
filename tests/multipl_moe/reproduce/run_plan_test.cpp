#include "multipl_moe/reproduce/run_plan.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "../cli/program.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace run_plan_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Two stages that take a moment: token files, and the size of a model, which is printed.
Plan small_plan() {
  Plan plan;
  plan.files = {{"inner/text.json", "{}"}};
  plan.stages = {
      {.id = "inner/data", .words = {"prepare", "src", "-o", "inner/data"}, .needs = {}, .output = "inner/data"},
      {.id = "inner/shape",
       .words = {"info", "--size", "demo", "--json"},
       .needs = {"inner/data"},
       .output = "inner/shape.json",
       .prints = true}};
  return plan;
}

struct Runs {
  std::vector<std::string> began, finished, failed;
  int signal = 0;

  void run(const Plan& plan, const ScratchFolder& scratch) {
    for (int i = 0; i < 30; ++i)
      put_bytes(scratch / ("src/" + std::to_string(i) + ".py"), "a = " + std::to_string(i * i) + "\n");
    began.clear();
    finished.clear();
    failed.clear();
    run_plan(plan, scratch.path(), MULTIPL_MOE_BINARY, {},
             {.began = [this](const Stage& stage, std::size_t) { began.push_back(stage.id); },
              .finished = [this](const Stage& stage, std::size_t, double) { finished.push_back(stage.id); },
              .failed = [this](const Stage& stage, std::size_t, std::size_t) { failed.push_back(stage.id); },
              .signal = [this] { return signal; }});
  }
};

const std::vector<std::string> both{"inner/data", "inner/shape"};

}  // namespace

TEST_CASE("stages are run once, and again if their output has changed", "[reproduce][stages]") {
  const ScratchFolder scratch;
  Runs runs;
  runs.run(small_plan(), scratch);
  CHECK(runs.finished == both);
  CHECK(get_bytes(scratch / "inner/text.json") == "{}\n");
  CHECK_THAT(get_bytes(scratch / "inner/shape.json"), ContainsSubstring("\"architecture\""));
  CHECK_FALSE(std::filesystem::exists(scratch / "inner/shape.json.partial"));
  runs.run(small_plan(), scratch);
  CHECK(runs.began.empty());

  std::filesystem::remove(scratch / "inner/shape.json");
  runs.run(small_plan(), scratch);
  CHECK(runs.finished == std::vector<std::string>{"inner/shape"});
  // The same data are written again, so what was made of them stands.
  put_bytes(scratch / "inner/data/more", "");
  runs.run(small_plan(), scratch);
  CHECK(runs.finished == std::vector<std::string>{"inner/data"});
  Plan other = small_plan();
  other.stages[0].words.insert(other.stages[0].words.end(), {"--test-fraction", "0.2"});
  runs.run(other, scratch);
  CHECK(runs.finished == both);
}

TEST_CASE("a stage that fails ends the run with its exit code, its message and its log", "[reproduce][stages]") {
  const ScratchFolder scratch;
  Plan plan = small_plan();
  plan.stages[1].words = {"eval", "--model", "nowhere", "--data", "inner"};
  Runs runs;
  try {
    runs.run(plan, scratch);
    FAIL("the stage must fail");
  } catch (const StageFailed& failed) {
    CHECK(failed.exit_code() == 3);
    CHECK_THAT(failed.what(),
               ContainsSubstring("inner/shape failed with exit code 3: multipl_moe eval --model nowhere") &&
                   ContainsSubstring("nowhere]") && ContainsSubstring("inner/shape.log"));
  }
  CHECK(runs.finished == std::vector<std::string>{"inner/data"});
  CHECK(runs.failed == std::vector<std::string>{"inner/shape"});
  CHECK_FALSE(std::filesystem::exists(scratch / "inner/shape.json"));
  runs.run(small_plan(), scratch);
  CHECK(runs.finished == std::vector<std::string>{"inner/shape"});
}

TEST_CASE("after a signal nothing is started", "[reproduce][stages]") {
  const ScratchFolder scratch;
  Runs runs;
  runs.signal = SIGTERM;
  int signal = 0;
  try {
    runs.run(small_plan(), scratch);
  } catch (const Stopped& stopped) {
    signal = stopped.signal;
  }
  CHECK(signal == SIGTERM);
  CHECK(runs.began.empty());
  runs.signal = 0;
  runs.run(small_plan(), scratch);
  CHECK(runs.finished == both);
}

TEST_CASE("after SIGKILL a training goes on from its checkpoint, and what is finished is not run again",
          "[reproduce][stages]") {
  const ScratchFolder scratch;
  put_tiny_config(scratch);
  const std::int64_t steps = moe::testing::is_slow_build ? 300 : 1500;
  Plan plan;
  plan.stages = {small_plan().stages[0],
                 {.id = "run",
                  .words = {"pretrain", "--data", "inner/data", "--config-json", "tiny.json", "--languages", "python",
                            "--steps", std::to_string(steps), "--save-steps", "20", "--batch-size", "1",
                            "--sequence-length", "8", "-o", "run"},
                  .needs = {"inner/data"},
                  .output = "run"}};
  Runs runs;
  const ::pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    try {
      runs.run(plan, scratch);
    } catch (...) {
    }
    ::_exit(0);
  }
  for (int i = 0; i < 4000 && !std::filesystem::exists(scratch / "run/checkpoints/LATEST"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  REQUIRE(std::filesystem::exists(scratch / "run/checkpoints/LATEST"));
  // The training may still write a checkpoint.
  runs.run(plan, scratch);
  CHECK(runs.finished == std::vector<std::string>{"run"});
  CHECK_THAT(get_bytes(scratch / "logs/run.log"), ContainsSubstring("resuming after step"));
}

TEST_CASE("variables for options do not reach the stages", "[reproduce][stages]") {
  const ScratchFolder scratch;
  Plan plan = small_plan();
  plan.stages[1].words = {"info", "--json"};
  ::setenv("MOE_SIZE", "demo", 1);
  Runs runs;
  runs.run(plan, scratch);
  ::unsetenv("MOE_SIZE");
  // Not the demo's 2 layers: those of the default, Qwen1.5-1.8B.
  CHECK_THAT(get_bytes(scratch / "inner/shape.json"), ContainsSubstring("\"layers\": 24"));
}

}  // namespace run_plan_test
