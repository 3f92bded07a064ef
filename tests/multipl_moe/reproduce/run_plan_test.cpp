#include "multipl_moe/reproduce/run_plan.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "../io/scratch.hpp"
#include "support/catch.hpp"

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
  std::vector<std::string> began, finished;
  int signal = 0;

  void run(const Plan& plan, const ScratchFolder& scratch) {
    for (int i = 0; i < 30; ++i)
      put_bytes(scratch / ("src/" + std::to_string(i) + ".py"), "a = " + std::to_string(i * i) + "\n");
    began.clear();
    finished.clear();
    run_plan(plan, scratch.path(), MULTIPL_MOE_BINARY,
             {.began = [this](const Stage& stage, std::size_t) { began.push_back(stage.id); },
              .finished = [this](const Stage& stage, std::size_t, double) { finished.push_back(stage.id); },
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
  CHECK_FALSE(std::filesystem::exists(scratch / "inner/shape.json"));
  runs.run(small_plan(), scratch);
  CHECK(runs.finished == std::vector<std::string>{"inner/shape"});
}

TEST_CASE("a signal is passed to the stage and ends the run", "[reproduce][stages]") {
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
  CHECK(runs.finished.empty());
  runs.signal = 0;
  runs.run(small_plan(), scratch);
  CHECK(runs.finished == both);
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
