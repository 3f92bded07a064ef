/// Stages that are planted: they pass, fail, crash, hang, or do not fit into the budget.
#include "bench/gpu_program/run_stages.hpp"

#include <algorithm>
#include <csignal>
#include <fstream>
#include <map>
#include <thread>

#include "../../multipl_moe/io/scratch.hpp"
#include "bench/gpu_program/page.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "support/catch.hpp"

namespace run_stages_test {

using namespace gpu_program;
using multipl_moe::testing::ScratchFolder;

namespace {

std::string text_of(const std::filesystem::path& path) { return multipl_moe::read_whole_file(path, 1 << 20); }
bool is_there(const std::filesystem::path& path) { return std::filesystem::exists(path); }

/// Stages that the shell runs, and how often each was started.
struct Planted {
  ScratchFolder scratch;
  std::filesystem::path folder = scratch / "out";
  std::vector<Stage> stages{{"first", "the first", 20}, {"second", "the second", 20}, {"third", "the third", 20}};
  std::map<std::string, std::string> scripts{{"first", "exit 0"}, {"second", "exit 0"}, {"third", "exit 0"}};
  std::vector<std::string> started{};

  StagesResult run(const Selection& selection = {}, double budget = 100, const Origin& origin = {"GPU A", "build 1"}) {
    return run_stages(stages, selection, budget, folder, origin, [this](const Stage& stage) {
      started.push_back(stage.name);
      return run_child("/bin/sh", {"-c", scripts.at(stage.name)}, stage.limit, 1);
    });
  }
  std::string outcome(std::size_t stage) const { return end_of(folder, stages[stage]).value().outcome; }
  std::string note(std::size_t stage) const { return end_of(folder, stages[stage]).value().note; }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("stages run in their order, and each has a line of the summary and a record as soon as it ends") {
  Planted planted;
  // The second stage sees the first one's line.
  planted.scripts["second"] = "grep -q 'the first | passed' '" + (planted.folder / "summary.md").native() + "'";
  const auto result = planted.run();
  CHECK(planted.started == Names{"first", "second", "third"});
  CHECK(result.failed.empty());
  CHECK(result.left.empty());
  CHECK(planted.outcome(1) == "passed");
  CHECK(text_of(planted.folder / "summary.md").find("# GPU A, program build 1, 20") == 0);
  CHECK(text_of(planted.folder / "first.json").find("\"outcome\": \"passed\"") != std::string::npos);
}

TEST_CASE("a stage that fails, crashes or hangs is reported, and the next one runs") {
  Planted planted;
  planted.stages[2].limit = 5;
  planted.stages.push_back({"fourth", "the fourth", 20});
  planted.scripts["fourth"] = "exit 0";
  const auto page = [&](const char* name) {
    return "printf '# x\\n\\nIn short: half done\\n' > '" + (planted.folder / (std::string(name) + ".md")).native() +
           "'; ";
  };
  planted.scripts["first"] = page("first") + "exit 1";
  planted.scripts["second"] = "kill -SEGV $$";
  planted.scripts["third"] = page("third") + "sleep 1000 & sleep 1000";
  const auto result = planted.run();
  CHECK(result.failed == Names{"first", "second", "third"});
  CHECK(planted.outcome(0) == "failed");
  CHECK(planted.note(0) == "exit code 1; half done");
  CHECK(planted.outcome(1) == "crashed");
  CHECK(planted.note(1).find("signal 11") == 0);
  CHECK(planted.outcome(2) == "out of time");
  CHECK(planted.note(2) == "killed after its limit of 5 s; half done");
  CHECK(planted.outcome(3) == "passed");
}

TEST_CASE("a later call goes on after the last stage that has ended, whatever its outcome") {
  Planted planted;
  planted.scripts["first"] = "exit 1";
  planted.stages[2].limit = 100;
  planted.scripts["second"] = "sleep 1";
  auto result = planted.run({}, 100.5);
  // A second has passed when the third could start.
  CHECK(result.left == Names{"third"});
  CHECK(planted.started == Names{"first", "second"});
  CHECK(text_of(planted.folder / "summary.md").find("third: the third | not run") != std::string::npos);
  result = planted.run({}, 1000);
  CHECK(planted.started == Names{"first", "second", "third"});
  CHECK(result.failed == Names{"first"});
  planted.run();
  CHECK(planted.started.size() == 3);
}

TEST_CASE("a stage whose process was killed with all others is run again") {
  Planted planted;
  planted.run();
  std::filesystem::remove(planted.folder / "second.json");
  // Its page is not taken for that of the new run.
  std::ofstream(planted.folder / "second.md") << "# x\n\nIn short: old\n";
  planted.run();
  CHECK(planted.started == Names{"first", "second", "third", "second"});
  CHECK(planted.note(1).empty());
}

TEST_CASE("stages that another build of the program has ended are run again") {
  Planted planted;
  planted.stages[0].data = "first.figures";
  planted.scripts["first"] = "echo 1 > '" + (planted.folder / "first.figures").native() + "'";
  planted.run();
  CHECK(is_there(planted.folder / "first.figures"));
  planted.run({.only = "second"}, 100, {"GPU A", "build 2"});
  CHECK(planted.started == Names{"first", "second", "third", "second"});
  const std::string summary = text_of(planted.folder / "summary.md");
  CHECK(summary.find("# GPU A, program build 2, ") == 0);
  CHECK(summary.find("first: the first | not run") != std::string::npos);
  CHECK_FALSE(is_there(planted.folder / "first.figures"));
  planted.run({}, 100, {"GPU A", "build 2"});
  CHECK(planted.started == Names{"first", "second", "third", "second", "first", "third"});
}

TEST_CASE("figures that other stages read end with the stage that is repeated") {
  Planted planted;
  planted.stages[0].data = "first.figures";
  planted.scripts["first"] = "echo 1 > '" + (planted.folder / "first.figures").native() + "'";
  planted.run();
  planted.scripts["first"] = "exit 1";
  planted.run({.only = "first"});
  CHECK_FALSE(is_there(planted.folder / "first.figures"));
}

TEST_CASE("a budget below the limit of a stage that has ended is enough for the others") {
  Planted planted;
  planted.stages[1].limit = 90;
  planted.scripts["third"] = "exit 1";
  planted.run();
  std::filesystem::remove(planted.folder / "third.json");
  planted.scripts["third"] = "exit 0";
  CHECK(planted.run({}, 30).failed.empty());
  CHECK(planted.started == Names{"first", "second", "third", "third"});
  CHECK_THROWS_AS(planted.run({.from = "second"}, 30), multipl_moe::UsageError);
}

TEST_CASE("a process that cannot be killed is reported and ends the call") {
  const Planted planted;
  const auto result = run_stages(planted.stages, {}, 100, planted.folder, {"GPU A", "build 1"}, [](const Stage&) {
    return ChildEnd{.out_of_time = true, .still_runs = true, .seconds = 30};
  });
  CHECK(planted.note(0) == "killed after its limit of 20 s, but its process cannot be killed and still runs");
  CHECK(result.failed == Names{"first"});
  CHECK(result.left == Names{"second", "third"});
}

TEST_CASE("the summary links the pages that exist") {
  Planted planted;
  planted.scripts["first"] = "echo '# x' > '" + (planted.folder / "first.md").native() + "'";
  planted.run();
  const std::string summary = text_of(planted.folder / "summary.md");
  CHECK(summary.find("| [first](first.md): the first |") != std::string::npos);
  CHECK(summary.find("| second: the second |") != std::string::npos);
}

TEST_CASE("the command that goes on is named: one with --from or --only repeats stages") {
  CHECK(next_command({}) == "the same command goes on");
  CHECK(next_command({.from = "second"}) == "the command without --from goes on");
  CHECK(next_command({.only = "second"}) == "the command without --only goes on");
}

TEST_CASE("a stage and all after it are repeated with --from, one stage with --only") {
  Planted planted;
  planted.run();
  planted.started.clear();
  planted.run({.from = "second"});
  CHECK(planted.started == Names{"second", "third"});
  planted.started.clear();
  planted.run({.only = "first"});
  CHECK(planted.started == Names{"first"});
  const ScratchFolder empty;
  planted.folder = empty / "other";
  const auto result = planted.run({.only = "second"});
  CHECK(result.left == Names{"first", "third"});
}

TEST_CASE("wrong names, a budget below a limit, and figures of another machine are refused") {
  Planted planted;
  using multipl_moe::UsageError;
  CHECK_THROWS_WITH(planted.run({.from = "fifth"}), "[--from] must be one of first, second, third, found 'fifth'");
  CHECK_THROWS_AS(planted.run({.only = "fifth"}), UsageError);
  CHECK_THROWS_AS(planted.run({.from = "first", .only = "first"}), UsageError);
  CHECK_THROWS_WITH(planted.run({}, 19),
                    "[--budget] must be at least the limit of each stage, 20 s for first, found 19");
  CHECK_FALSE(is_there(planted.folder));
  planted.run();
  CHECK_THROWS_AS(planted.run({}, 100, {"GPU B", "build 1"}), multipl_moe::Failure);
  std::ofstream(planted.folder / "first.json") << "[]";
  CHECK_THROWS_AS(planted.run(), multipl_moe::BadFile);
}

TEST_CASE("a child that is out of time is killed with the processes that it has started") {
  const ScratchFolder scratch;
  const auto file = scratch / "pid";
  const auto end = run_child("/bin/sh", {"-c", "sleep 1000 & echo $! > '" + file.native() + "'; wait"}, 5);
  CHECK(end.out_of_time);
  CHECK_FALSE(end.succeeded());
  CHECK_FALSE(end.still_runs);
  const int grandchild = std::stoi(text_of(file));
  // A process that has ended and was not waited for still has a number, but does not sleep any more.
  const auto is_running = [&] {
    std::ifstream stat("/proc/" + std::to_string(grandchild) + "/stat");
    std::string number, name, state;
    return static_cast<bool>(stat >> number >> name >> state) && state != "Z";
  };
  for (int i = 0; i < 200 && is_running(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  CHECK_FALSE(is_running());
}

TEST_CASE("a program that does not exist ends with an exit code") {
  CHECK(run_child("/nonexistent/program", {}, 5).exit_code == 127);
}

TEST_CASE("the exit code of a child is known where the caller ignores the signal of its end") {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  CHECK(run_child("/bin/sh", {"-c", "exit 3"}, 60).exit_code == 3);
  std::signal(SIGCHLD, before);
}

TEST_CASE("without the GPU that is named the check ends with one sentence, before anything is written") {
  const ScratchFolder scratch;
  const auto output = scratch / "output";
  const auto end =
      run_child("/bin/sh",
                {"-c", std::string("exec '") + MOE_GPU_CHECK + "' --out '" + (scratch / "results").native() +
                           "' --device cuda:99 > '" + output.native() + "' 2>&1"},
                60);
  CHECK(end.exit_code == 1);
  CHECK(text_of(output).find("error: [--device] ") == 0);
  CHECK(text_of(output).find("cuda:99") != std::string::npos);
  CHECK_FALSE(is_there(scratch / "results"));
}

TEST_CASE("a page is complete after every addition, and shows what was not reached or not measured") {
  const ScratchFolder scratch;
  Page page(scratch / "page.md", "stage: title");
  CHECK(text_of(scratch / "page.md") == "# stage: title\n");
  page.figure("speed", 30000, "tokens/s", Target{29000, 33000});
  page.figure("delay", 6, "ms", Target{.required = 5, .goal = 2.5, .at_least = false});
  page.figure("delay", 2, "ms", Target{.required = 5, .goal = 2.5, .at_least = false});
  page.not_measured("other", "there is none", Target{.required = 1});
  page.in_short("30000 tokens/s");
  CHECK(text_of(scratch / "page.md") ==
        "# stage: title\n\n"
        "| figure | found | unit | required | goal | |\n|---|---|---|---|---|---|\n"
        "| speed | 30000 | tokens/s | >= 29000 | >= 33000 | reached |\n"
        "| delay | 6 | ms | <= 5 | <= 2.5 | missed |\n"
        "| delay | 2 | ms | <= 5 | <= 2.5 | reached, and the goal |\n"
        "| other | not measured: there is none |  | >= 1 |  |  |\n"
        "\nIn short: 30000 tokens/s\n");
  CHECK_FALSE(page.has_failed());
  page.fail("a | b\nc");
  CHECK(page.has_failed());
  CHECK(text_of(scratch / "page.md").find("**Wrong:** a   b c\n\nIn short: 30000 tokens/s; wrong: a   b c\n") !=
        std::string::npos);
}

}  // namespace run_stages_test
