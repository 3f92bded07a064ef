/// A run that is repeatedly killed with SIGKILL and resumed until it is done, compared with an uninterrupted run.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include "../train/run_files.hpp"
#include "program.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace kill_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::testing::is_slow_build;
namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

/// Trains a mixture, so that thresholds and frozen weights are covered too, with a checkpoint after every step, so that
/// most of the time is spent in saves.
std::vector<std::string> words_for(const std::string& folder) {
  return {"train",
          "--model",
          "mixture",
          "--data",
          "data",
          "--batch-size",
          "2",
          "--sequence-length",
          "32",
          "--threads",
          "1",
          "--steps",
          "25",
          "-q",
          "--save-steps",
          "1",
          "-o",
          folder};
}

/// How the killed runs save; the uninterrupted one saves between its steps.
enum class Saves { between_steps, beside_training };

/// The state of a run's checkpoint folder.
struct Sight {
  bool has_checkpoint = false, is_between = false;
};

/// A save in progress is recognized by a hidden folder that is being created or removed, by one checkpoint more than
/// are kept, or by a newest checkpoint that LATEST does not name yet.
Sight look_at(const fs::path& run) {
  Sight sight;
  if (!fs::exists(run / "checkpoints")) return sight;
  std::set<std::string> steps;
  for (const std::string& name : file_names_in(run / "checkpoints")) {
    if (name.starts_with("step-")) steps.insert(name);
    if (name.starts_with('.')) sight.is_between = true;
  }
  sight.has_checkpoint = !steps.empty();
  if (steps.size() > 2 || (!steps.empty() && get_bytes(run / "checkpoints/LATEST") != *steps.rbegin() + "\n"))
    sight.is_between = true;
  return sight;
}

struct Tally {
  int kills = 0, in_saves = 0, before_first = 0, runs = 0;
};

class Killing {
 public:
  Killing(const ScratchFolder& scratch, std::uint32_t seed, Saves saves)
      : scratch_(scratch), random_(seed), saves_(saves) {
    const auto begin = Clock::now();
    REQUIRE(wait_for(start(scratch_, words_for("whole"))) == 0);
    whole_seconds_ = Seconds(Clock::now() - begin).count();
  }

  /// Runs until `kills` processes were killed, `in_saves` of them inside a save, and the current run is done.
  /// The times of the kills are random, so more than `kills` may be needed for `in_saves`; 20 times as many end the
  /// search.
  Tally until(int kills, int in_saves) {
    const auto is_enough = [&] {
      return (tally_.kills >= kills && tally_.in_saves >= in_saves) || tally_.kills >= 20 * kills;
    };
    while (!is_enough()) {
      const std::string folder = "run" + std::to_string(tally_.runs++);
      INFO("run " << folder << " after " << tally_.kills << " kills");
      while (live(folder, !is_enough()) != 0) {
      }
      CHECK(newest_checkpoint_of(scratch_ / folder) == newest_checkpoint_of(scratch_ / "whole"));
      CHECK(metrics_of(scratch_ / folder) == metrics_of(scratch_ / "whole"));
      CHECK_FALSE(look_at(scratch_ / folder).is_between);
      fs::remove_all(scratch_ / folder);
    }
    return tally_;
  }
  double whole_seconds() const { return whole_seconds_; }

 private:
  /// Runs one process; returns its exit code.
  int live(const std::string& folder, bool to_be_killed) {
    auto words = words_for(folder);
    if (saves_ == Saves::beside_training) words.push_back("--async-checkpoint");
    if (look_at(scratch_ / folder).has_checkpoint) words.push_back("--resume");
    const ::pid_t child = start(scratch_, words);
    if (to_be_killed) {
      std::this_thread::sleep_for(Seconds(std::uniform_real_distribution<>(0, whole_seconds_ / 4)(random_)));
      ::kill(child, SIGKILL);
    }
    const int code = wait_for(child);
    REQUIRE((code == 0 || (to_be_killed && code == 128 + SIGKILL)));
    if (code == 0) return code;
    const Sight sight = look_at(scratch_ / folder);
    ++tally_.kills;
    tally_.in_saves += sight.is_between ? 1 : 0;
    tally_.before_first += sight.has_checkpoint ? 0 : 1;
    return code;
  }

  const ScratchFolder& scratch_;
  std::mt19937 random_;
  Saves saves_;
  double whole_seconds_ = 0;
  Tally tally_;
};

/// MOE_KILL_SEED repeats the times of the kills, as far as the clock allows.
std::uint32_t seed() {
  const char* const given = std::getenv("MOE_KILL_SEED");
  return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device()();
}

void kill_and_compare(int kills, Saves saves) {
  const ScratchFolder scratch;
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  REQUIRE(
      run(scratch, "pretrain --data data --config-json tiny.json --batch-size 2 --sequence-length 32 --steps 2 -o base")
          .exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model base -o mixture --segment-window 8").exit_code == 0);
  const std::uint32_t chosen = seed();
  INFO("MOE_KILL_SEED=" << chosen);
  std::printf("MOE_KILL_SEED=%u\n", chosen);
  Killing killing(scratch, chosen, saves);
  const int in_saves = kills / 5;
  const Tally tally = killing.until(kills, in_saves);
  std::printf(
      "%d kills: %d inside a save, %d before the first checkpoint; %d runs completed, each equal to the uninterrupted "
      "run (%.2f s)\n",
      tally.kills, tally.in_saves, tally.before_first, tally.runs, killing.whole_seconds());
  CHECK(tally.kills >= kills);
  // Without kills during saves this would not test them.
  CHECK(tally.in_saves >= in_saves);
}

}  // namespace

TEST_CASE("a killed and resumed run equals an uninterrupted one", "[cli][kill]") {
  kill_and_compare(is_slow_build ? 5 : 20, Saves::between_steps);
}

TEST_CASE("a killed and resumed run that saves beside training equals one that does not", "[cli][kill]") {
  kill_and_compare(is_slow_build ? 5 : 20, Saves::beside_training);
}

TEST_CASE("runs that are killed 100 times and resumed equal an uninterrupted one", "[.][kill-100]") {
  kill_and_compare(100, GENERATE(Saves::between_steps, Saves::beside_training));
}

}  // namespace kill_test
