/// Run folders: how the commands create, resume and protect them.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "../train/run_files.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace run_folder_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

/// A folder with data and the configuration of a tiny model.
struct Workplace {
  ScratchFolder scratch;
  Workplace() {
    REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
    put_tiny_config(scratch);
  }
  Outcome pretrain(const std::string& words, const std::string& before = "") const {
    return run(
        scratch,
        "pretrain --data data --config-json tiny.json --batch-size 2 --sequence-length 32 --threads 1 -q " + words,
        before);
  }
};

bool wait_until_exists(const fs::path& path) {
  for (int i = 0; i < 3000 && !fs::exists(path); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return fs::exists(path);
}

/// Names in a run's checkpoints that are neither a checkpoint nor LATEST.
std::vector<std::string> leftovers_in(const fs::path& run) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(run / "checkpoints"))
    if (const std::string name = entry.path().filename(); name != "LATEST" && !name.starts_with("step-"))
      names.push_back(name);
  return names;
}

}  // namespace

TEST_CASE("config.toml of a run folder repeats the run, and env.json describes its environment", "[cli][run]") {
  const Workplace place;
  REQUIRE(place.pretrain("--steps 4 --languages rust,go -o a").exit_code == 0);
  REQUIRE(run(place.scratch, "pretrain --config a/config.toml -o b").exit_code == 0);
  CHECK(newest_checkpoint_of(place.scratch / "a") == newest_checkpoint_of(place.scratch / "b"));
  CHECK(metrics_of(place.scratch / "a") == metrics_of(place.scratch / "b"));
  const auto environment = nlohmann::json::parse(get_bytes(place.scratch / "a/env.json"));
  for (const char* name : {"version", "compiler", "flags", "cpu", "threads", "dependencies", "data"})
    CHECK(environment.contains(name));
  CHECK(environment["data"].size() == 2);
  CHECK(environment["data"]["rust"]["xxh3"].get<std::string>().size() == 16);
  CHECK(environment["threads"] == 1);
}

TEST_CASE("a run starts once in its folder, resumes with its own settings and rejects others", "[cli][run]") {
  const Workplace place;
  REQUIRE(place.pretrain("--steps 6 -o whole").exit_code == 0);
  REQUIRE(place.pretrain("--steps 6 -o run").exit_code == 0);
  const Outcome again = place.pretrain("--steps 6 -o run");
  CHECK(again.exit_code == 2);
  CHECK_THAT(again.error, ContainsSubstring("--resume continues that run"));
  const Outcome other = place.pretrain("--steps 8 --seed 3 -o run --resume");
  CHECK(other.exit_code == 2);
  CHECK_THAT(other.error, ContainsSubstring("--seed: 0, found 3") && !ContainsSubstring("--steps"));
  CHECK(run(place.scratch, "pretrain --config run/config.toml --resume --threads 2 --save-steps 1 --log-every 2")
            .exit_code == 0);
  CHECK(newest_checkpoint_of(place.scratch / "run") == newest_checkpoint_of(place.scratch / "whole"));
  const Outcome nothing = place.pretrain("--steps 6 -o nowhere --resume");
  CHECK(nothing.exit_code == 3);
  CHECK_THAT(nothing.error, ContainsSubstring("must hold a checkpoint to resume from"));
}

TEST_CASE("a finished run reports how to continue, and continues with more steps", "[cli][run]") {
  const Workplace place;
  const std::string words =
      "pretrain --data data --config-json tiny.json --batch-size 2 --sequence-length 32 --threads 1 -o run --steps ";
  REQUIRE(run(place.scratch, words + "4").exit_code == 0);
  CHECK_THAT(run(place.scratch, words + "4").error, ContainsSubstring("with a larger --steps"));
  const Outcome finished = run(place.scratch, words + "4 --resume");
  CHECK(finished.exit_code == 0);
  CHECK_THAT(finished.error, ContainsSubstring("nothing is left to do after step 4 of 4; a larger --steps"));
  const Outcome longer = run(place.scratch, words + "7 --resume");
  CHECK(longer.exit_code == 0);
  CHECK_THAT(longer.error, ContainsSubstring("resuming after step 4 of 7") &&
                               ContainsSubstring("was planned with 4 steps; from step 5 on") &&
                               ContainsSubstring("the schedule of 7 steps: 0.00"));
  CHECK_THAT(get_bytes(place.scratch / "run/config.toml"), ContainsSubstring("steps = 7"));
  CHECK(get_bytes(place.scratch / "run/checkpoints/LATEST") == "step-000007\n");
  // The continued run resumes with its new settings.
  REQUIRE(run(place.scratch, "pretrain --config run/config.toml --resume").exit_code == 0);
  const Outcome shorter = run(place.scratch, words + "6 --resume");
  CHECK(shorter.exit_code == 2);
  CHECK_THAT(shorter.error, ContainsSubstring("--steps must be at least the 7 that are already done, found 6"));
}

TEST_CASE("post-training resumes only with the model that it started from", "[cli][run]") {
  const Workplace place;
  REQUIRE(place.pretrain("--steps 2 -o base").exit_code == 0);
  REQUIRE(run(place.scratch, "upcycle --model base -o mixture --segment-window 8").exit_code == 0);
  REQUIRE(run(place.scratch, "upcycle --model base -o other --segment-window 8 --seed 5").exit_code == 0);
  const auto train = [&](const std::string& words) {
    return run(place.scratch,
               "train --data data --batch-size 2 --sequence-length 32 --threads 1 -q --steps 3 " + words);
  };
  REQUIRE(train("--model mixture -o post").exit_code == 0);
  CHECK(train("--model mixture -o post --resume").exit_code == 0);
  const Outcome other = train("--model other -o post --resume");
  CHECK(other.exit_code == 2);
  CHECK_THAT(other.error, ContainsSubstring("starting weights: XXH3"));
  CHECK_THAT(train("--model mixture -o post --resume --mix 1:1").error, ContainsSubstring("share of "));
  CHECK_THAT(train("--model mixture -o post --resume --trainable all").error, ContainsSubstring("weights that train"));
  REQUIRE(train("--model base -o networks --trainable ffn").exit_code == 0);
  CHECK(train("--model base -o networks --resume --trainable ffn").exit_code == 0);
  CHECK_THAT(train("--model base -o networks --resume").error, ContainsSubstring("weights that train"));
  const Outcome without_routers = train("--model base -o frozen --trainable frozen-routers");
  CHECK(without_routers.exit_code == 2);
  CHECK_THAT(without_routers.error, ContainsSubstring("needs routers to freeze"));
  CHECK_FALSE(fs::exists(place.scratch / "frozen"));
}

TEST_CASE("SIGTERM and SIGINT end the program after a checkpoint, with 143 and 130", "[cli][run]") {
  const Workplace place;
  const std::vector<std::string> words{
      "pretrain", "--data",    "data", "--config-json", "tiny.json", "--batch-size", "2",  "--sequence-length",
      "32",       "--threads", "1",    "--steps",       "100000",    "-o",           "run"};
  const int signal = GENERATE(SIGTERM, SIGINT);
  const ::pid_t child = start(place.scratch, words);
  // The signal handler is installed before the first line is written.
  REQUIRE(wait_until_exists(place.scratch / "run/metrics.jsonl"));
  REQUIRE(::kill(child, signal) == 0);
  CHECK(wait_for(child) == 128 + signal);
  CHECK_FALSE(get_bytes(place.scratch / "run/checkpoints/LATEST").empty());
  CHECK(place.pretrain("--steps 100000 -o run --resume --seed 1").exit_code == 2);
}

TEST_CASE("a file that cannot grow ends the run with 5 and leaves no incomplete checkpoint", "[cli][run]") {
  const Workplace place;
  REQUIRE(place.pretrain("--steps 6 --save-steps 1 -o whole").exit_code == 0);
  const auto bytes =
      static_cast<std::int64_t>(fs::file_size(place.scratch / "whole/checkpoints/step-000006/optimizer.safetensors"));
  // In blocks of 512 bytes: env.json does not fit, then not the weights, then not the moments.
  for (const std::int64_t blocks : {std::int64_t{1}, bytes / 512 / 4, bytes / 512 - 1}) {
    const Outcome full = place.pretrain("--steps 6 --save-steps 1 -o full", file_size_limit(blocks));
    INFO(blocks << ": " << full.error);
    CHECK(full.exit_code == 5);
    CHECK_FALSE(fs::exists(place.scratch / "full/checkpoints/LATEST"));
    CHECK_THAT(full.error, ContainsSubstring("; needed: ") && ContainsSubstring("; free: "));
    CHECK(leftovers_in(place.scratch / "full").empty());
  }
  CHECK(place.pretrain("--steps 6 --save-steps 1 -o full").exit_code == 0);
  CHECK(newest_checkpoint_of(place.scratch / "full") == newest_checkpoint_of(place.scratch / "whole"));
}

TEST_CASE("if the disk fills up, the previous checkpoint remains and the run resumes from it", "[cli][run]") {
  const Workplace place;
  REQUIRE(place.pretrain("--steps 6 --save-steps 1 -o run").exit_code == 0);
  const std::string whole = newest_checkpoint_of(place.scratch / "run"), metrics = metrics_of(place.scratch / "run");
  const fs::path checkpoints = place.scratch / "run/checkpoints";
  fs::remove_all(checkpoints / "step-000006");
  put_bytes(checkpoints / "LATEST", "step-000005\n");
  const std::string before = newest_checkpoint_of(place.scratch / "run");
  const Outcome full = place.pretrain("--steps 6 --save-steps 1 -o run --resume", file_size_limit(100));
  CHECK(full.exit_code == 5);
  CHECK_THAT(full.error, ContainsSubstring("step-000006] cannot save: File too large"));
  CHECK(newest_checkpoint_of(place.scratch / "run") == before);
  CHECK(leftovers_in(place.scratch / "run").empty());
  CHECK(place.pretrain("--steps 6 --save-steps 1 -o run --resume").exit_code == 0);
  CHECK(newest_checkpoint_of(place.scratch / "run") == whole);
  CHECK(metrics_of(place.scratch / "run") == metrics);
}

TEST_CASE("a full disk for stderr neither ends a command nor changes its exit code", "[cli][run]") {
  const Workplace place;
  const auto exit_code = [&](const std::string& words) {
    const std::string command =
        "cd '" + place.scratch.path().native() + "' && '" MULTIPL_MOE_BINARY "' " + words + " 2>/dev/full";
    return WEXITSTATUS(std::system(command.c_str()));
  };
  const std::string words =
      "pretrain --data data --config-json tiny.json --batch-size 2 --sequence-length 32 --steps 2 "
      "--log-every 1 -o run";
  CHECK(exit_code(words) == 0);
  CHECK(exit_code(words) == 2);
  CHECK(exit_code("pretrain --data nowhere -o other") == 3);
}

TEST_CASE("checkpoints beside training are refused where none is due before the end", "[cli][run]") {
  const Workplace place;
  for (const std::string every : {"", " --save-steps 4", " --save-steps 5"}) {
    const Outcome outcome = place.pretrain("--steps 4 --async-checkpoint -o run" + every);
    INFO(every << "\n" << outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring("[pretrain] --async-checkpoint") &&
                                  ContainsSubstring("needs --save-steps above 0 and below --steps"));
    CHECK_FALSE(fs::exists(place.scratch / "run/checkpoints"));
  }
  CHECK(place.pretrain("--steps 4 --async-checkpoint --save-steps 3 -o run").exit_code == 0);
}

TEST_CASE("the option --placement is refused for models and runs that have nothing to spread", "[cli][run]") {
  const Workplace place;
  const Outcome dense = place.pretrain("-o run --placement blocks");
  CHECK(dense.exit_code == 2);
  CHECK_THAT(dense.error, ContainsSubstring("[pretrain] --placement blocks spreads the experts of a mixture, found a "
                                            "model of architecture dense"));
  REQUIRE(run(place.scratch, "make-checkpoint --size demo --arch causal-multipl-moe -q -o mixture").exit_code == 0);
  const Outcome alone = run(place.scratch, "train --model mixture --data data -o run --placement round-robin");
  CHECK(alone.exit_code == 2);
  CHECK_THAT(alone.error, ContainsSubstring("[train] --placement round-robin spreads experts over the processes that "
                                            "mpirun or srun starts, found 1 process"));
  CHECK(run(place.scratch, "train --model mixture --data data -o run --placement nowhere").exit_code == 2);
  CHECK_FALSE(fs::exists(place.scratch / "run"));
}

}  // namespace run_folder_test
