/// Every system call of a run that changes files fails, once or permanently; files cannot be read.
#include <algorithm>
#include <map>

#include "../train/run_files.hpp"
#include "program.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace failing_io_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using moe::testing::is_slow_build;
namespace fs = std::filesystem;

namespace {

const std::string words =
    "pretrain --data data --config-json tiny.json --batch-size 2 --sequence-length 32 --threads 1 --steps 2 "
    "--save-steps 1 -q -o ";

/// Disables the check that a sanitizer's runtime is the first loaded library.
const std::string preload = "ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD='" MOE_FAILING_IO "' ";

/// Runs with the `call`-th call failing.
Outcome run_failing(const ScratchFolder& scratch, const std::string& arguments, int call, const std::string& more) {
  fs::remove(scratch / "failed");
  return run(scratch, arguments, preload + "MOE_FAIL_LOG=failed MOE_FAIL_CALL=" + std::to_string(call) + more);
}

/// Runs `arguments`, whose last one is the folder `output`, with one call failing at a time, each `step`-th of them,
/// until none is left to fail. Calls check(outcome, name of the call).
template <class Check>
void fail_calls(const ScratchFolder& scratch, const std::string& arguments, const std::string& output, int step,
                const std::string& more, const Check& check) {
  for (int call = 1;; call += step) {
    fs::remove_all(scratch / output);
    const Outcome outcome = run_failing(scratch, arguments + output, call, more);
    if (!fs::exists(scratch / "failed")) {
      CHECK(outcome.exit_code == 0);
      return;
    }
    const std::string name = get_bytes(scratch / "failed");
    INFO("call " << call << " (" << name << ")" << more << ": " << outcome.error);
    check(outcome, name);
  }
}

/// Hundreds of runs that sync all their files: on a file system in memory if there is one.
fs::path place_for_files() {
  const fs::path memory = "/dev/shm";
  return ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
}

/// A random model, and two problems in Python with a completion each.
void put_evaluation(const ScratchFolder& scratch) {
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "make-checkpoint --config-json tiny.json -o model -q").exit_code == 0);
  std::string problems, completions;
  for (const char* name : {"a", "b"}) {
    problems += std::string(R"({"name": ")") + name +
                R"(", "language": "py", "prompt": "def f():\n", "tests": "f()\n", "stop_tokens": ["\ndef"]})" + "\n";
    completions += std::string(R"({"name": ")") + name + R"(", "completion": "    pass\n"})" + "\n";
  }
  put_bytes(scratch / "b.jsonl", problems);
  put_bytes(scratch / "c.jsonl", completions);
}

/// The paths of all files of a folder, with their bytes.
std::map<std::string, std::string> files_in(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files[fs::relative(entry.path(), folder)] = get_bytes(entry.path());
  return files;
}

bool has_checkpoint(const fs::path& run) {
  if (!fs::exists(run / "checkpoints")) return false;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints"))
    if (entry.path().filename().native().starts_with("step-")) return true;
  return false;
}

}  // namespace

TEST_CASE("a call that fails as on a full disk ends a run with 5 and loses no checkpoint", "[cli][failing]") {
#ifdef MOE_COVERAGE_BUILD
  WARN("skipped: a coverage build writes its profile at the end of a run, by calls that would fail too");
  return;
#endif
  const ScratchFolder scratch(place_for_files());
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  REQUIRE(run(scratch, words + "whole").exit_code == 0);
  const std::string whole = newest_checkpoint_of(scratch / "whole"), metrics = metrics_of(scratch / "whole");
  const std::string for_good = GENERATE("", " MOE_FAIL_ON=1");
  std::map<std::string, int> failed;
  fail_calls(
      scratch, words, "run", is_slow_build ? 17 : 1, for_good, [&](const Outcome& outcome, const std::string& name) {
        ++failed[name];
        REQUIRE(outcome.exit_code == 5);
        CHECK_THAT(outcome.error, ContainsSubstring("No space left on device") && ContainsSubstring("; free: "));
        // The failed run can be completed, and nothing is lost.
        REQUIRE(run(scratch, words + "run" + (has_checkpoint(scratch / "run") ? " --resume" : "")).exit_code == 0);
        REQUIRE(newest_checkpoint_of(scratch / "run") == whole);
        REQUIRE(metrics_of(scratch / "run") == metrics);
        for (const auto& entry : fs::directory_iterator(scratch / "run/checkpoints"))
          CHECK_FALSE(entry.path().filename().native().starts_with('.'));
      });
  CHECK(failed.size() > 2);
  if (is_slow_build) return;
  for (const char* name : {"open", "write", "fsync", "close", "rename", "mkdir"}) {
    INFO(name);
    CHECK(failed[name] > 0);
  }
}

TEST_CASE("a run that saves beside training and whose disk is full ends with 5 and loses no checkpoint",
          "[cli][failing]") {
#ifdef MOE_COVERAGE_BUILD
  WARN("skipped: a coverage build writes its profile at the end of a run, by calls that would fail too");
  return;
#endif
  const ScratchFolder scratch(place_for_files());
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  const std::string beside =
      "pretrain --data data --config-json tiny.json --batch-size 2 --sequence-length 32 --threads 1 --steps 4 "
      "--save-steps 1 --async-checkpoint -q -o ";
  REQUIRE(run(scratch, beside + "whole").exit_code == 0);
  const std::string whole = newest_checkpoint_of(scratch / "whole"), metrics = metrics_of(scratch / "whole");
  // Which of the calls at a time is the writer's depends on the clock.
  int failed = 0;
  const int step = is_slow_build ? 29 : 3;
  fail_calls(scratch, beside, "run", step, " MOE_FAIL_ON=1", [&](const Outcome& outcome, const std::string& /*name*/) {
    ++failed;
    REQUIRE(outcome.exit_code == 5);
    CHECK_THAT(outcome.error, ContainsSubstring("No space left on device") && ContainsSubstring("; free: "));
    REQUIRE(run(scratch, beside + "run" + (has_checkpoint(scratch / "run") ? " --resume" : "")).exit_code == 0);
    REQUIRE(newest_checkpoint_of(scratch / "run") == whole);
    REQUIRE(metrics_of(scratch / "run") == metrics);
  });
  CHECK(failed > 3);
}

TEST_CASE("exercises are written whole or not at all", "[cli][failing]") {
#ifdef MOE_COVERAGE_BUILD
  WARN("skipped: a coverage build writes its profile at the end of a run, by calls that would fail too");
  return;
#endif
  const ScratchFolder scratch(place_for_files());
  const std::string exercises = "exercises --problems 2 --high 1 --low 1 -o ";
  REQUIRE(run(scratch, exercises + "whole").exit_code == 0);
  const auto whole = files_in(scratch / "whole");
  const std::string for_good = GENERATE("", " MOE_FAIL_ON=1");
  fail_calls(scratch, exercises, "ex", is_slow_build ? 17 : 1, for_good,
             [&](const Outcome& outcome, const std::string& /*name*/) {
               REQUIRE(outcome.exit_code == 5);
               // The last calls make the complete folder durable.
               if (fs::exists(scratch / "ex")) {
                 REQUIRE(files_in(scratch / "ex") == whole);
               } else {
                 REQUIRE(run(scratch, exercises + "ex").exit_code == 0);
                 REQUIRE(files_in(scratch / "ex") == whole);
               }
               REQUIRE_FALSE(fs::exists(scratch / ".ex.partial"));
             });
}

TEST_CASE("data is prepared in all languages or in none", "[cli][failing]") {
#ifdef MOE_COVERAGE_BUILD
  WARN("skipped: a coverage build writes its profile at the end of a run, by calls that would fail too");
  return;
#endif
  const ScratchFolder scratch(place_for_files());
  const std::string prepare = "prepare '" MOE_TEST_CORPUS "' -o ";
  REQUIRE(run(scratch, prepare + "whole").exit_code == 0);
  const auto whole = files_in(scratch / "whole");
  const std::string for_good = GENERATE("", " MOE_FAIL_ON=1");
  fail_calls(scratch, prepare, "data", is_slow_build ? 17 : 3, for_good,
             [&](const Outcome& outcome, const std::string& name) {
               REQUIRE(outcome.exit_code == 5);
               // The last calls move the files, which needs no space on a real disk.
               const bool moves = name == "rename" && fs::exists(scratch / "data/cpp.dev.tokens");
               if (fs::exists(scratch / "data") && !moves) {
                 const auto left = files_in(scratch / "data");
                 REQUIRE((left.empty() || left == whole));
               }
               REQUIRE(run(scratch, prepare + "data").exit_code == 0);
               REQUIRE(files_in(scratch / "data") == whole);
             });
}

TEST_CASE("completions that are generated while calls fail can be continued", "[cli][failing]") {
#ifdef MOE_COVERAGE_BUILD
  WARN("skipped: a coverage build writes its profile at the end of a run, by calls that would fail too");
  return;
#endif
  const ScratchFolder scratch(place_for_files());
  put_evaluation(scratch);
  const std::string generate =
      "evaluate --model model --benchmark b.jsonl --generate-only --max-new-tokens 3 --threads 1 -q -o ";
  REQUIRE(run(scratch, generate + "whole").exit_code == 0);
  const auto whole = files_in(scratch / "whole");
  const std::string for_good = GENERATE("", " MOE_FAIL_ON=1");
  fail_calls(scratch, generate, "run", is_slow_build ? 17 : 1, for_good,
             [&](const Outcome& outcome, const std::string& name) {
               // The journal is closed last, when it has been removed and all of it is in the final files.
               if (name != "close" || outcome.exit_code != 0) REQUIRE(outcome.exit_code == 5);
               if (outcome.exit_code == 0) REQUIRE(files_in(scratch / "run") == whole);
               REQUIRE(run(scratch, generate + "run --resume").exit_code == 0);
               REQUIRE(files_in(scratch / "run") == whole);
             });
}

TEST_CASE("a file that cannot be read ends an evaluation with 5 and is named", "[cli][failing]") {
  const ScratchFolder scratch;
  put_evaluation(scratch);
  const std::string generate =
      "evaluate --model model --benchmark b.jsonl --generate-only --max-new-tokens 3 --threads 1 -q -o out --resume";
  const auto run_damaged = [&](const std::string& file, const std::string& arguments) {
    const Outcome outcome = run(scratch, arguments, preload + "MOE_FAIL_READ=" + file);
    INFO(file << ": " << outcome.error);
    CHECK(outcome.exit_code == 5);
    CHECK_THAT(outcome.error, ContainsSubstring(file + "] cannot read: Input/output error"));
  };
  run_damaged("b.jsonl", generate);
  run_damaged("c.jsonl", "evaluate --completions c.jsonl --benchmark b.jsonl -q -o other");
  CHECK_FALSE(fs::exists(scratch / "out"));
  CHECK_FALSE(fs::exists(scratch / "other"));
  // The journal of a run that was interrupted, and the settings of a run that is continued.
  REQUIRE(run(scratch, generate).exit_code == 0);
  const auto whole = files_in(scratch / "out");
  fs::rename(scratch / "out/completions.jsonl", scratch / "out/.completions.jsonl");
  run_damaged("out/.completions.jsonl", generate);
  run_damaged("out/evaluation.toml", generate);
  CHECK(get_bytes(scratch / "out/.completions.jsonl") == whole.at("completions.jsonl"));
  REQUIRE(run(scratch, generate).exit_code == 0);
  CHECK(files_in(scratch / "out") == whole);
}

}  // namespace failing_io_test
