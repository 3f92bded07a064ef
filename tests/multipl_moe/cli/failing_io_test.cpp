/// Every system call of a run that changes files fails, once or permanently.
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

/// Runs with the `call`-th call failing. Disables the check that a sanitizer's runtime is the first loaded library.
Outcome run_failing(const ScratchFolder& scratch, const std::string& arguments, int call, const std::string& more) {
  fs::remove(scratch / "failed");
  return run(scratch, arguments,
             "ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD='" MOE_FAILING_IO
             "' MOE_FAIL_LOG=failed MOE_FAIL_CALL=" +
                 std::to_string(call) + more);
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
  // Hundreds of runs that sync all their files: on a file system in memory if there is one.
  const fs::path memory = "/dev/shm";
  const ScratchFolder scratch(::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path());
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  REQUIRE(run(scratch, words + "whole").exit_code == 0);
  const std::string whole = newest_checkpoint_of(scratch / "whole"), metrics = metrics_of(scratch / "whole");
  const std::string for_good = GENERATE("", " MOE_FAIL_ON=1");
  std::map<std::string, int> failed;
  for (int call = 1;; call += is_slow_build ? 17 : 1) {
    fs::remove_all(scratch / "run");
    const Outcome outcome = run_failing(scratch, words + "run", call, for_good);
    if (!fs::exists(scratch / "failed")) {
      CHECK(outcome.exit_code == 0);
      break;
    }
    ++failed[get_bytes(scratch / "failed")];
    INFO("call " << call << " (" << get_bytes(scratch / "failed") << ")" << for_good << ": " << outcome.error);
    REQUIRE(outcome.exit_code == 5);
    CHECK_THAT(outcome.error, ContainsSubstring("No space left on device") && ContainsSubstring("; free: "));
    // The failed run can be completed, and nothing is lost.
    REQUIRE(run(scratch, words + "run" + (has_checkpoint(scratch / "run") ? " --resume" : "")).exit_code == 0);
    REQUIRE(newest_checkpoint_of(scratch / "run") == whole);
    REQUIRE(metrics_of(scratch / "run") == metrics);
    for (const auto& entry : fs::directory_iterator(scratch / "run/checkpoints"))
      CHECK_FALSE(entry.path().filename().native().starts_with('.'));
  }
  CHECK(failed.size() > 2);
  if (is_slow_build) return;
  for (const char* name : {"open", "write", "fsync", "close", "rename", "mkdir"}) {
    INFO(name);
    CHECK(failed[name] > 0);
  }
}

}  // namespace failing_io_test
