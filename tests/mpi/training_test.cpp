/// The program multipl_moe trains in several processes.
#include <signal.h>

#include <filesystem>
#include <random>

#include "mpi/mpirun.hpp"
#include "multipl_moe/train/run_files.hpp"
#include "support/catch.hpp"

namespace training_test {

using namespace moe::testing;
using namespace multipl_moe::testing;
namespace fs = std::filesystem;

namespace {

struct Training {
  ScratchFolder scratch;
  /// Four micro-batches a step in four slots.
  std::string words =
      "pretrain --data data --size demo --batch-size 2 --sequence-length 32 --threads 1 --steps 6 "
      "--gradient-accumulation-steps 4 --gradient-slots 4 --save-steps 2 ";

  Training() { REQUIRE(run_in("'" MOE_PROGRAM "' prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0); }

  Ended run_in(const std::string& command) const {
    return run_command("sh -c \"cd '" + scratch.path().native() + "' && exec " + command + "\"");
  }
  static std::string program(int ranks, const std::string& arguments) {
    return "'" MOE_MPIRUN "' -n " + std::to_string(ranks) + " '" MOE_PROGRAM "' " + arguments;
  }
  Ended run(int ranks, const std::string& arguments) const { return run_in(program(ranks, arguments)); }
  Ended alone(const std::string& arguments) const { return run_in("'" MOE_PROGRAM "' " + arguments); }

  void require_same(const std::string& folder, const std::string& other) const {
    CHECK(newest_checkpoint_of(scratch / folder) == newest_checkpoint_of(scratch / other));
    CHECK(metrics_of(scratch / folder) == metrics_of(scratch / other));
  }
};

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

TEST_CASE("a training has the same bits in 1, 2 and 4 processes, and one line of progress") {
  const Training training;
  REQUIRE(training.alone(training.words + "-o alone").exit_code == 0);
  for (const int ranks : {1, 2, 4}) {
    const std::string folder = "on" + std::to_string(ranks);
    const Ended ended = training.run(ranks, training.words + "--log-every 1 -o " + folder);
    INFO(ended.text);
    REQUIRE(ended.exit_code == 0);
    CHECK(count(ended.text, "step 6/6") == 1);
    training.require_same(folder, "alone");
  }
  // The checkpoint does not know the number of processes.
  const std::string more = "--steps 10 --resume -q -o ";
  std::string longer = training.words;
  longer.replace(longer.find("--steps 6 "), 10, "");
  REQUIRE(training.alone(longer + more + "alone").exit_code == 0);
  REQUIRE(training.run(2, longer + more + "on4").exit_code == 0);
  training.require_same("on4", "alone");
}

TEST_CASE("a process that is killed or asked to stop ends all, and any number of processes goes on") {
  const Training training;
  std::string words = training.words;
  words.replace(words.find("--steps 6 "), 10, "--steps 40 ");
  REQUIRE(training.alone(words + "-q -o whole").exit_code == 0);
  std::mt19937 random(3);
  bool is_begun = false;
  for (int fault = 0; fault < 6; ++fault) {
    // The shell's child with this number in its environment is ended from outside.
    const int ranks = fault % 2 == 0 ? 2 : 4;
    const std::string victim = std::to_string(std::uniform_int_distribution<>(0, ranks - 1)(random));
    const bool is_kill = fault % 3 != 2;
    const int after = std::uniform_int_distribution<>(400, 1500)(random);
    const std::string one =
        "sh -c 'exec \\\"$0\\\" \\\"$@\\\"' '" MOE_PROGRAM "' " + words + "-q -o run" + (is_begun ? " --resume" : "");
    const std::string all = "'" MOE_MPIRUN "' -n " + std::to_string(ranks) + " " + one;
    const std::string hunt = "(sleep " + std::to_string(after / 1000) + "." + std::to_string(after % 1000 / 100) +
                             "; for p in $(pgrep -x multipl_moe); do grep -qz OMPI_COMM_WORLD_RANK=" + victim +
                             " /proc/$p/environ && kill -" + (is_kill ? "KILL" : "TERM") + " $p; done) & exec ";
    const Ended ended =
        run_command("sh -c \"cd '" + training.scratch.path().native() + "' && { " + hunt + all + "; }\"");
    INFO(ended.text);
    is_begun = is_begun || fs::exists(training.scratch / "run/checkpoints/LATEST");
    CHECK(ended.seconds < 20);
  }
  const Ended last = training.run(2, words + "-q -o run" + (is_begun ? " --resume" : ""));
  INFO(last.text);
  REQUIRE(last.exit_code == 0);
  training.require_same("run", "whole");
}

TEST_CASE("a process that hangs is named after the time of --comm-timeout") {
  const Training training;
  std::string words = training.words;
  words.replace(words.find("--steps 6 "), 10, "--steps 100000 ");
  const std::string all = Training::program(2, words + "-q -o run --comm-timeout 2");
  const Ended ended = run_command("sh -c \"cd '" + training.scratch.path().native() +
                                  "' && { (sleep 1; for p in $(pgrep -x multipl_moe); do grep -qz "
                                  "OMPI_COMM_WORLD_RANK=1 /proc/$p/environ && kill -STOP $p; done) & exec " +
                                  all + "; }\"");
  INFO(ended.text);
  CHECK(ended.exit_code == 1);
  CHECK(ended.says("[0] error: "));
  CHECK(ended.says("rank 1 did not answer within 2000 ms"));
  CHECK(ended.seconds < 12);
}

TEST_CASE("processes with other settings are named, and nothing is written") {
  const Training training;
  const Ended ended =
      training.run_in("'" MOE_MPIRUN "' -n 1 '" MOE_PROGRAM "' " + training.words +
                      "-o run --learning-rate 0.1 : -n 1 '" MOE_PROGRAM "' " + training.words + "-o run");
  INFO(ended.text);
  CHECK(ended.exit_code == 2);
  CHECK(ended.says("process 1 must run the same program"));
  CHECK(ended.says("--learning-rate: 0.1, found 0.004"));
  CHECK(count(ended.text, "error:") == 1);
  CHECK_FALSE(fs::exists(training.scratch / "run"));
}

TEST_CASE("what is wrong for all processes is said once, and other commands refuse several") {
  const Training training;
  const Ended missing = training.run(3, "pretrain --data nowhere -o run");
  INFO(missing.text);
  CHECK(missing.exit_code != 0);
  CHECK(count(missing.text, "error:") == 1);
  const Ended other = training.run(2, "info data");
  INFO(other.text);
  CHECK(other.exit_code == 2);
  CHECK(other.says("pretrain and train run in several processes, found 2 of `info`"));
  const Ended uneven = training.run(3, training.words + "-o run");
  INFO(uneven.text);
  CHECK(uneven.exit_code == 2);
  CHECK(uneven.says("found 4 and 3 processes"));
  const Ended beside = training.run(2, training.words + "-o run --async-checkpoint");
  CHECK(beside.exit_code == 2);
  CHECK(beside.says("--async-checkpoint is for a run of one process, found 2 processes"));
}

}  // namespace training_test
