/// The program multipl_moe trains in several processes.
#include <signal.h>

#include <filesystem>
#include <random>

#include "mpi/program_runs.hpp"
#include "support/catch.hpp"

namespace training_test {

using namespace program_runs;

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
  const std::string words = training.words_with("--steps 6 ", "--steps 40 ");
  REQUIRE(training.alone(words + "-q -o whole").exit_code == 0);
  std::mt19937 random(3);
  const auto goes_on = [&] {
    return fs::exists(training.scratch / "run/checkpoints/LATEST") ? std::string(" --resume") : std::string();
  };
  int faults = 0;
  for (int fault = 0; fault < 6; ++fault) {
    const int ranks = fault % 2 == 0 ? 2 : 4, victim = std::uniform_int_distribution<>(0, ranks - 1)(random);
    const std::chrono::milliseconds after(std::uniform_int_distribution<>(300, 1500)(random));
    const Ended ended = training.run_with_signal(ranks, words + "-q -o run" + goes_on(), victim,
                                                 fault % 3 == 2 ? SIGTERM : SIGKILL, after);
    INFO(ended.text);
    CHECK(ended.seconds < 20);
    faults += ended.exit_code != 0;
  }
  CHECK(faults > 0);
  const Ended last = training.run(2, words + "-q -o run" + goes_on());
  INFO(last.text);
  REQUIRE(last.exit_code == 0);
  training.require_same("run", "whole");
}

TEST_CASE("a signal to one process saves a checkpoint and ends all") {
  const Training training;
  const std::string words = training.words_with("--steps 6 ", "--steps 100000 ");
  const Ended ended =
      training.run_with_signal(2, words + "-q -o run", 1, SIGTERM, std::chrono::milliseconds(300), "run/metrics.jsonl");
  INFO(ended.text);
  CHECK(ended.exit_code == 128 + SIGTERM);
  CHECK(count(ended.text, "interrupted; ") == 1);
  CHECK(fs::exists(training.scratch / "run/checkpoints/LATEST"));
}

TEST_CASE("a process that hangs is named after the time of --comm-timeout") {
  // After the first step, and in no save, in which the others wait longer.
  Training training;
  training.words = training.words_with("--save-steps 2 ", "--save-steps 0 ");
  const std::string words = training.words_with("--steps 6 ", "--steps 100000 ");
  const Ended ended = training.run_with_signal(2, words + "-q -o run --comm-timeout 3", 1, SIGSTOP,
                                               std::chrono::milliseconds(300), "run/metrics.jsonl");
  INFO(ended.text);
  CHECK(ended.exit_code == 1);
  CHECK(ended.says("[0] error: "));
  CHECK(ended.says("rank 1 did not answer within 3000 ms"));
  CHECK(ended.seconds < 15);
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
  CHECK(other.says("pretrain, train and eval run in several processes, found 2 of `info`"));
  const Ended uneven = training.run(3, training.words + "-o run");
  INFO(uneven.text);
  CHECK(uneven.exit_code == 2);
  CHECK(uneven.says("found 4 and 3 processes"));
  const Ended beside = training.run(2, training.words + "-o run --async-checkpoint");
  CHECK(beside.exit_code == 2);
  CHECK(beside.says("--async-checkpoint is for a run of one process, found 2 processes"));
}

TEST_CASE("experts are spread over processes, and one process continues with all of them") {
  const Training training;
  REQUIRE(training.alone("make-checkpoint --size demo --arch multipl-moe -q -o mixture").exit_code == 0);
  const std::string words =
      "train --model mixture --data data --batch-size 2 --sequence-length 32 --threads 1 "
      "--gradient-accumulation-steps 4 --save-steps 2 ";
  for (const char* placement : {"blocks", "round-robin"}) {
    const std::string folder = placement;
    const Ended ended = training.run(2, words + "--steps 2 --placement " + placement + " -o " + folder);
    INFO(ended.text);
    REQUIRE(ended.exit_code == 0);
    // Without the flag, the placement is that of the run.
    const Ended again = training.run(2, words + "--steps 3 --resume -o " + folder);
    REQUIRE(again.exit_code == 0);
    CHECK(count(again.text, "--placement") == 0);
    const Ended alone = training.alone(words + "--steps 4 --resume -o " + folder);
    REQUIRE(alone.exit_code == 0);
    CHECK(count(alone.text, std::string("--placement ") + placement + " and continues with everywhere") == 1);
  }
  const Ended different = training.run_in("'" MOE_MPIRUN "' -n 1 '" MOE_PROGRAM "' " + words +
                                          "-o other : -n 1 '" MOE_PROGRAM "' " + words + "-o other --placement blocks");
  CHECK(different.exit_code == 2);
  CHECK(count(different.text,
              "all processes must have the same --placement, found everywhere in process 0 and blocks "
              "in process 1") == 1);
  CHECK_FALSE(fs::exists(training.scratch / "other"));
}

TEST_CASE("processes of one machine share its memory") {
  const Training training;
  const std::string plan =
      "pretrain --data data --size demo --batch-size 256 --sequence-length 256 "
      "--gradient-accumulation-steps 2 --threads 1 -o run --dry-run";
  const std::string text = training.alone(plan + " --json").text;
  const std::size_t at = text.find("\"machine\": ");
  REQUIRE(at != std::string::npos);
  const long long bytes = std::stoll(text.substr(at + 11));
  REQUIRE(bytes > (1LL << 30));
  // Enough for one, not for two.
  const std::string limit = "env MOE_MEMORY_LIMIT=" + std::to_string(bytes * 3 / 2) + " ";
  CHECK(training.run_in(limit + "'" MOE_PROGRAM "' " + plan).exit_code == 0);
  const Ended ended = training.run_in(limit + Training::program(2, plan));
  INFO(ended.text);
  CHECK(ended.exit_code == 4);
  CHECK(ended.text.find(" in each of the 2 processes on this machine, ") != std::string::npos);
  CHECK(ended.text.find("; fewer processes, a smaller --batch-size") != std::string::npos);
  CHECK(training.run(2, plan + " --ranks 2").text.find("--ranks plans for processes that are not started, found 2") !=
        std::string::npos);
}

}  // namespace training_test
