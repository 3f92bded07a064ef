/// Full disks and random faults of the program multipl_moe in several processes.
#include <array>
#include <cstdlib>
#include <random>

#include "mpi/program_runs.hpp"
#include "support/catch.hpp"

namespace program_faults_test {

using namespace program_runs;
using std::chrono::milliseconds;

TEST_CASE("a disk that is full while a checkpoint is written ends all processes, and the one before it is whole") {
  const Training training;
  REQUIRE(training.alone(training.words + "-q -o whole").exit_code == 0);
  // The first file, a later one, and what makes the folder complete.
  for (const int call : {1, 6, 11}) {
    const std::string folder = "run" + std::to_string(call);
    const std::string one = "'" MOE_PROGRAM "' " + training.words + "-q -o " + folder;
    const Ended ended =
        training.run_in("'" MOE_MPIRUN "' -n 1 env ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD='" MOE_FAILING_IO
                        "' MOE_FAIL_PATH=step-000004 MOE_FAIL_ON=1 MOE_FAIL_CALL=" +
                        std::to_string(call) + " " + one + " : -n 1 " + one);
    INFO("call " << call << ": " << ended.text);
    CHECK(ended.exit_code == 5);
    CHECK(count(ended.text, "error: ") == 1);
    CHECK(ended.says("checkpoints/step-000004] cannot save: No space left on device"));
    CHECK(get_bytes(training.scratch / folder / "checkpoints/LATEST") == "step-000002\n");
    REQUIRE(training.run(call == 1 ? 4 : 2, training.words + "-q --resume -o " + folder).exit_code == 0);
    training.require_same(folder, "whole");
  }
}

namespace {

/// Runs in 1, 2 or 4 processes, each ended by a fault at a random moment and resumed in another number of them.
class RandomFaults {
 public:
  explicit RandomFaults(std::uint32_t seed) : random_(seed) {
    words_ = training_.words_with("--steps 6 ", "--steps 60 ") + "-q --comm-timeout 3 -o ";
    REQUIRE(training_.alone(words_ + "whole").exit_code == 0);
  }

  void until(int faults) {
    for (int lives = 0; faults_ < faults; ++lives) {
      REQUIRE(lives < 4 * faults);
      live(true);
    }
    for (int lives = 0; !is_done_; ++lives) {
      REQUIRE(lives < 3);
      live(false);
    }
  }
  std::string tally() const {
    return std::to_string(kills_) + " kills, " + std::to_string(signals_) + " SIGTERM to one process, " +
           std::to_string(stops_) + " SIGSTOP; " + std::to_string(resumed_) + " resumes, " + std::to_string(runs_) +
           " runs";
  }

 private:
  void live(bool with_fault) {
    if (is_done_) {
      fs::remove_all(training_.scratch / "run");
      is_done_ = false;
    }
    constexpr std::array<int, 3> numbers{1, 2, 4};
    ranks_ = (ranks_ + 1 + uniform(0, 1)) % 3;
    const int ranks = numbers[static_cast<std::size_t>(ranks_)];
    const bool is_resumed = fs::exists(training_.scratch / "run/checkpoints/LATEST");
    resumed_ += is_resumed;
    const std::string arguments = words_ + "run" + (is_resumed ? " --resume" : "");
    // One of five is a stop and one a signal, to the second process alone.
    const int kind = ranks == 1 ? 2 : uniform(0, 4);
    const int victim = kind == 1 ? 1 : uniform(0, ranks - 1);
    const int signal = kind == 0 ? SIGSTOP : kind == 1 ? SIGTERM : SIGKILL;
    // A process that is stopped while the others wait longer is killed.
    const Ended ended =
        with_fault ? training_.run_with_signal(ranks, arguments, victim, signal, milliseconds(uniform(0, 1500)), "",
                                               milliseconds(kind == 0 ? 8000 : 0))
                   : training_.run(ranks, arguments);
    INFO(ranks << " processes, signal " << signal << " to " << victim << ": " << ended.text);
    CHECK(ended.seconds < 30);
    if (ended.exit_code == 0) {
      is_done_ = true;
      ++runs_;
      training_.require_same("run", "whole");
      return;
    }
    REQUIRE(with_fault);
    ++faults_;
    ++(kind == 0 ? stops_ : kind == 1 ? signals_ : kills_);
  }
  int uniform(int low, int high) { return std::uniform_int_distribution<>(low, high)(random_); }

  Training training_;
  std::string words_;
  std::mt19937 random_;
  int ranks_ = 0;
  bool is_done_ = false;
  int faults_ = 0, kills_ = 0, signals_ = 0, stops_ = 0, resumed_ = 0, runs_ = 0;
};

/// MOE_KILL_SEED repeats the choices, though not the moments.
std::uint32_t seed() {
  const char* const given = std::getenv("MOE_KILL_SEED");
  return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device()();
}

}  // namespace

TEST_CASE("20 faults at random moments lose nothing, in any number of processes", "[.][faults-20]") {
  const std::uint32_t chosen = seed();
  INFO("MOE_KILL_SEED=" << chosen);
  RandomFaults faults(chosen);
  faults.until(20);
  WARN(faults.tally());
}

}  // namespace program_faults_test
