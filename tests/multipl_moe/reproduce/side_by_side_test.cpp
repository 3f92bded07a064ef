/// Stages that run at the same time, on a program that does what the stage's first word says.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <thread>

#include "../io/scratch.hpp"
#include "multipl_moe/reproduce/run_plan.hpp"
#include "support/catch.hpp"

namespace side_by_side_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

Stage shell_stage(const std::string& id, const std::string& script, std::vector<std::string> needs = {}) {
  return {.id = id, .words = {script}, .needs = std::move(needs), .output = id};
}

/// A stage that writes a file.
Stage writing_stage(const std::string& id, std::vector<std::string> needs = {}) {
  return shell_stage(id, "echo " + id + " > " + id, std::move(needs));
}

/// Waits, in stages that run at the same time, until all of them have begun.
std::string meeting(const std::string& id, const std::string& others) {
  return "echo > began_" + id + "; until ls " + others + "; do sleep 0.01; done; echo " + id + " > " + id;
}

Plan plan_of_stages(std::vector<Stage> stages) {
  Plan plan;
  plan.stages = std::move(stages);
  return plan;
}

/// Data, three models made of them, and scores of each.
Plan wide_plan() {
  return plan_of_stages({writing_stage("data"), writing_stage("a", {"data"}), writing_stage("a_scores", {"a"}),
                         writing_stage("b", {"data"}), writing_stage("b_scores", {"b"}), writing_stage("c", {"data"}),
                         writing_stage("c_scores", {"c"})});
}

struct SideBySide {
  SideBySide() {
    put_bytes(scratch / "program", "#!/bin/sh\neval \"$1\"\n");
    std::filesystem::permissions(scratch / "program", std::filesystem::perms::owner_all);
  }

  RunListener listener() {
    return {.began =
                [this](const Stage& stage, std::size_t) {
                  began.push_back(stage.id);
                  most_at_once = std::max(most_at_once, ++at_once);
                  for (const std::string& need : stage.needs) CHECK(ever_finished.contains(need));
                },
            .finished =
                [this](const Stage& stage, std::size_t, double) {
                  finished.insert(stage.id);
                  ever_finished.insert(stage.id);
                  --at_once;
                },
            .failed =
                [this](const Stage& stage, std::size_t, std::size_t running) {
                  failed.push_back(stage.id);
                  CHECK(running == --at_once);
                },
            .signal = [] { return 0; }};
  }
  void run(const Plan& plan, int jobs) {
    began.clear();
    finished.clear();
    failed.clear();
    at_once = most_at_once = 0;
    run_plan(plan, scratch.path(), scratch / "program", {jobs, 1}, listener());
  }

  ScratchFolder scratch;
  std::vector<std::string> began, failed;
  std::set<std::string> finished, ever_finished;
  std::size_t at_once = 0, most_at_once = 0;
};

bool eventually(const auto& holds) {
  for (int i = 0; i < 2000 && !holds(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  return holds();
}

}  // namespace

TEST_CASE("stages side by side leave the records of stages one after the other", "[reproduce][stages]") {
  std::map<int, std::map<std::string, std::string>> records;
  for (const int jobs : {1, 2}) {
    SideBySide runs;
    const Plan plan = wide_plan();
    runs.run(plan, jobs);
    CHECK(runs.most_at_once == static_cast<std::size_t>(jobs));
    CHECK(runs.finished.size() == plan.stages.size());
    for (std::size_t i = 0; i < plan.stages.size(); ++i) {
      if (jobs == 1) CHECK(runs.began[i] == plan.stages[i].id);
      records[jobs][plan.stages[i].id] = get_bytes(runs.scratch / ("stages/" + plan.stages[i].id + ".json"));
    }
    // Another number of stages side by side runs none of them again.
    runs.run(plan, 3 - jobs);
    CHECK(runs.began.empty());
  }
  CHECK(records[1] == records[2]);
}

TEST_CASE("stages that do not need each other run at the same time", "[reproduce][stages]") {
  SideBySide runs;
  runs.run(plan_of_stages({shell_stage("a", meeting("a", "began_b began_c")),
                           shell_stage("b", meeting("b", "began_a began_c")),
                           shell_stage("c", meeting("c", "began_a began_b"))}),
           3);
  CHECK(runs.finished.size() == 3);
}

TEST_CASE("a stage that fails lets the others end, and none begins after it", "[reproduce][stages]") {
  SideBySide runs;
  Plan plan = plan_of_stages({shell_stage("a", "echo > began_a; exit 7"),
                              shell_stage("b", "until ls fail_seen; do sleep 0.01; done; echo b > b"),
                              writing_stage("c"), writing_stage("b_scores", {"b"})});
  RunListener listener = runs.listener();
  listener.failed = [&](const Stage& stage, std::size_t, std::size_t running) {
    runs.failed.push_back(stage.id);
    CHECK(running == 1);
    put_bytes(runs.scratch / "fail_seen", "");
  };
  try {
    run_plan(plan, runs.scratch.path(), runs.scratch / "program", {2, 1}, listener);
    FAIL("the stage must fail");
  } catch (const StageFailed& failed) {
    CHECK(failed.exit_code() == 7);
    CHECK_THAT(failed.what(), ContainsSubstring("a failed with exit code 7"));
  }
  CHECK(runs.failed == std::vector<std::string>{"a"});
  CHECK(runs.finished == std::set<std::string>{"b"});
  CHECK(runs.began == std::vector<std::string>{"a", "b"});
  plan.stages[0] = writing_stage("a");
  runs.run(plan, 2);
  CHECK(runs.finished == std::set<std::string>{"a", "b_scores", "c"});
}

TEST_CASE("a signal reaches every stage that runs, and finished ones are kept", "[reproduce][stages]") {
  SideBySide runs;
  Plan plan = plan_of_stages({writing_stage("data"), shell_stage("a", "exec sleep 100", {"data"}),
                              shell_stage("b", "exec sleep 100", {"data"})});
  // Ends well although it got the signal.
  plan.stages.push_back(
      shell_stage("c", "trap 'echo c > c; exit 0' TERM; echo > trapped; while true; do sleep 0.01; done", {"data"}));
  RunListener listener = runs.listener();
  listener.signal = [&] {
    return runs.at_once == 3 && std::filesystem::exists(runs.scratch / "trapped") ? SIGTERM : 0;
  };
  CHECK_THROWS_AS(run_plan(plan, runs.scratch.path(), runs.scratch / "program", {3, 1}, listener), Stopped);
  CHECK(runs.failed.empty());
  CHECK(runs.finished == std::set<std::string>{"c", "data"});
  plan.stages[1] = writing_stage("a", {"data"});
  plan.stages[2] = writing_stage("b", {"data"});
  runs.run(plan, 2);
  CHECK(runs.finished == std::set<std::string>{"a", "b"});
}

TEST_CASE("a stage does not outlive the process that started it", "[reproduce][stages]") {
  SideBySide runs;
  const ::pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    try {
      runs.run(
          plan_of_stages({shell_stage("a", "echo $$ > process.partial; mv process.partial process; exec sleep 100")}),
          1);
    } catch (...) {
    }
    ::_exit(0);
  }
  const bool has_begun = eventually([&] { return std::filesystem::exists(runs.scratch / "process"); });
  const ::pid_t stage = has_begun ? std::atoi(get_bytes(runs.scratch / "process").c_str()) : 0;
  const bool ran = stage > 0 && ::kill(stage, 0) == 0;
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  REQUIRE(ran);
  // An ended process is there until the process that adopted it asks for its status.
  CHECK(eventually([&] {
    const std::string file = "/proc/" + std::to_string(stage) + "/stat";
    return !std::filesystem::exists(file) || get_bytes(file).find(") Z ") != std::string::npos;
  }));
}

TEST_CASE("the machine is shared by the stages that run at the same time", "[reproduce][stages]") {
  CHECK(usual_jobs(1) == 1);
  CHECK(usual_jobs(2) == 2);
  CHECK(usual_jobs(64) == 8);
  CHECK(MachineShare::of(2, 2).threads == 1);
  CHECK(MachineShare::of(8, 64).threads == 8);
  CHECK(MachineShare::of(3, 8).threads == 2);
  CHECK(MachineShare::of(4, 2).threads == 1);
  const auto words_of = [](const std::string& command, int threads) {
    return share_words(shell_stage("x", command), threads);
  };
  CHECK(words_of("train", 4) == std::vector<std::string>{"--threads", "4"});
  CHECK(words_of("evaluate", 3) == std::vector<std::string>{"--threads", "3", "--jobs", "3"});
  CHECK(words_of("evaluate", 200).back() == "128");
  CHECK(words_of("prepare", 4).empty());
}

}  // namespace side_by_side_test
