/// --device of every command that runs a model. CUDA_VISIBLE_DEVICES hides the GPUs of a machine that has some.
#include <nlohmann/json.hpp>

#include "../benchmark/add_problems.hpp"
#include "program.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace cli_device_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using moe::testing::is_slow_build;

namespace {

constexpr const char* no_gpu = "CUDA_VISIBLE_DEVICES=-1";

/// Commands that run a model, each with all that it requires. Nothing that they name exists.
constexpr const char* commands[] = {
    "pretrain --data nowhere -o out",      "train --model nowhere --data nowhere -o out",
    "eval --model nowhere --data nowhere", "trace --model nowhere --data nowhere -o out",
    "generate --model nowhere --prompt x", "evaluate --model nowhere --benchmark nowhere -o out"};

std::string words_of(const char* command, const char* more) { return std::string(command) + " " + more; }

/// What a training of a mixture needs: the folders `data` and `mixture`.
void put_mixture_and_data(const ScratchFolder& scratch) {
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --size demo --arch causal-multipl-moe -q -o mixture").exit_code == 0);
}

}  // namespace

TEST_CASE("a device that is no device is refused by every command before anything is read", "[cli][device]") {
  const ScratchFolder scratch;
  for (const char* command : commands) {
    const Outcome outcome = run(scratch, words_of(command, "--device gpu"));
    INFO(command << "\n" << outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring("[--device] must be cpu, cuda (the first GPU) or cuda:N") &&
                                  ContainsSubstring("found 'gpu'"));
  }
}

TEST_CASE("without a GPU --device cuda ends with one sentence before anything is read or written", "[cli][device]") {
  const ScratchFolder scratch;
  for (const char* command : commands) {
    const Outcome outcome = run(scratch, words_of(command, "--device cuda:3"), no_gpu);
    INFO(command << "\n" << outcome.error);
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.error, ContainsSubstring("error: [--device] cuda:3 cannot be used: ") &&
                                  ContainsSubstring("; --device cpu computes on the CPU\n"));
    CHECK_FALSE(std::filesystem::exists(scratch / "out"));
  }
}

TEST_CASE("options that do not apply on a GPU are refused by name", "[cli][device]") {
  const ScratchFolder scratch;
  for (const char* command : commands) {
    const Outcome outcome = run(scratch, words_of(command, "--device cuda --dtype float32"), no_gpu);
    INFO(command << "\n" << outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring("[--dtype] must be bfloat16 with --device cuda:0, found float32"));
  }
  for (const char* command : {"eval --model nowhere --data nowhere", "generate --model nowhere --prompt x"})
    for (const std::string weights : {"float32", "stored"}) {
      const Outcome outcome = run(scratch, words_of(command, "--device cuda --weights ") + weights, no_gpu);
      CHECK(outcome.exit_code == 2);
      CHECK_THAT(outcome.error,
                 ContainsSubstring("--weights " + weights + " is for a model on the CPU, found --device cuda"));
    }
  CHECK(run(scratch, "generate --model nowhere --prompt x --device cuda --weights int8", no_gpu).exit_code == 2);
  const Outcome master =
      run(scratch, "train --model nowhere --data nowhere -o out --device cuda --master-weights float32", no_gpu);
  CHECK(master.exit_code == 2);
  CHECK_THAT(master.error, ContainsSubstring("[train] --master-weights must be split or bfloat16 with --device cuda"));
  // The defaults are no error: what is missing is the GPU.
  CHECK(run(scratch, "generate --model nowhere --prompt x --device cuda --dtype bfloat16 --weights auto", no_gpu)
            .exit_code == 1);
}

TEST_CASE("the option --optimizer-state is about the memory beside a GPU", "[cli][device]") {
  const ScratchFolder scratch;
  for (const std::string command : {"pretrain", "train --model nowhere"})
    for (const std::string place : {"device", "host"}) {
      const std::string words = command + " --data nowhere -o out --optimizer-state " + place;
      const Outcome on_cpu = run(scratch, words);
      INFO(on_cpu.error);
      CHECK(on_cpu.exit_code == 2);
      CHECK_THAT(on_cpu.error, ContainsSubstring("--optimizer-state " + place) &&
                                   ContainsSubstring("needs --device cuda, found --device cpu"));
      CHECK(run(scratch, words + " --device cuda", no_gpu).exit_code == 1);
    }
}

TEST_CASE("the option --device-memory belongs to a plan for a GPU", "[cli][device]") {
  const ScratchFolder scratch;
  const std::string train = "train --model nowhere --data nowhere -o out ";
  const Outcome on_cpu = run(scratch, train + "--dry-run --device-memory 80GB");
  CHECK(on_cpu.exit_code == 2);
  CHECK_THAT(on_cpu.error, ContainsSubstring("[train] --device-memory") && ContainsSubstring("needs --device cuda"));
  CHECK(run(scratch, train + "--device cuda --device-memory 80GB").exit_code == 2);
  const Outcome none = run(scratch, train + "--dry-run --device cuda", no_gpu);
  CHECK(none.exit_code == 1);
  CHECK_THAT(none.error, ContainsSubstring("--device-memory, such as 139GiB, plans for a GPU elsewhere\n"));
}

TEST_CASE("a dry run plans a training for a GPU elsewhere", "[cli][device]") {
  const ScratchFolder scratch;
  put_mixture_and_data(scratch);
  const std::string train =
      "train --model mixture --data data -o run --sequence-length 64 --steps 10 --dry-run --device cuda ";
  const Outcome text = run(scratch, train + "--device-memory 80GB", no_gpu);
  INFO(text.error);
  REQUIRE(text.exit_code == 0);
  CHECK_THAT(text.out, ContainsSubstring("memory of this training on a GPU, split master weights, float32 moments "
                                         "(arithmetic, not measured)\n") &&
                           ContainsSubstring("  libraries            1.50 GiB\n") &&
                           ContainsSubstring("  free                74.51 GiB\n") &&
                           ContainsSubstring("split master weights, float32 moments (the default)\n") &&
                           ContainsSubstring("465 TFLOP/s, the target for an H200") && !ContainsSubstring("the CPU"));
  const auto plan_with = [&](const std::string& words) {
    const Outcome outcome = run(scratch, train + "--json " + words, no_gpu);
    INFO(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    return nlohmann::json::parse(outcome.out);
  };
  const auto on_host = plan_with("--device-memory 80GB --optimizer-state host --save-steps 2 --async-checkpoint");
  CHECK(on_host["host_bytes"]["moments"] == 10 * on_host["parameters"]["trainable"].get<std::int64_t>());
  CHECK(on_host["host_bytes"]["checkpoint_copy"] == on_host["disk_bytes"]["checkpoint"]);
  for (const auto& row : on_host["plans"])
    if (row["asked_for"].get<bool>()) {
      CHECK(row["flags"] == "--optimizer-state host");
      CHECK(row["host_bytes"] == 10 * on_host["parameters"]["trainable"].get<std::int64_t>());
      CHECK(row["device_bytes"] == on_host["device_bytes"]["total"]);
    }
  const auto plan = plan_with("--device-memory 80GB --moments bfloat16");
  CHECK(plan["device"]["name"] == "cuda:0");
  CHECK(plan["device"]["gpu"].is_null());
  CHECK(plan["device"]["free_bytes"] == 80'000'000'000);
  CHECK(plan["host_bytes"] == nlohmann::json{{"moments", 0}, {"checkpoint_copy", 0}});
  REQUIRE(plan["plans"].size() == 16);
  CHECK(plan["plans"][0]["flags"] == "");
  CHECK(plan["plans"][0]["fits"] == true);
  int asked_for = 0;
  for (const auto& row : plan["plans"]) {
    CHECK((row["host_bytes"] > 0) == row["flags"].get<std::string>().ends_with("--optimizer-state host"));
    if (!row["asked_for"].get<bool>()) continue;
    ++asked_for;
    CHECK(row["flags"] == "--moments bfloat16");
    CHECK(row["device_bytes"] == plan["device_bytes"]["total"]);
  }
  CHECK(asked_for == 1);
  // A weight has 2 bytes, its gradient 4, its state 4 + 2; routers are float32 and buffers too.
  const auto trainable = plan["parameters"]["trainable"].get<std::int64_t>();
  CHECK(plan["device_bytes"]["gradients"] == 4 * trainable);
  CHECK(plan["device_bytes"]["moments"] == 6 * trainable);
  CHECK(plan["arithmetic"]["seconds"].get<double>() ==
        Approx(plan["tokens"].get<double>() * plan["arithmetic"]["operations_per_token"].get<double>() / 465e12));
  // Weights on the CPU in float32 have twice the bytes.
  const Outcome on_cpu =
      run(scratch, "train --model mixture --data data -o run --sequence-length 64 --steps 10 --dry-run --json");
  REQUIRE(on_cpu.exit_code == 0);
  CHECK(nlohmann::json::parse(on_cpu.out)["host_bytes"]["weights"] >
        1.9 * plan["device_bytes"]["weights"].get<double>());
  // Not the text, which also names the free bytes of a disk that other programs write to.
  const auto usual = plan_with("--device-memory 80GB");
  CHECK(plan_with("--gpu-memory 80GB") == usual);
  const Outcome by_variable = run(scratch, train + "--json", std::string(no_gpu) + " MOE_GPU_MEMORY=80GB");
  REQUIRE(by_variable.exit_code == 0);
  CHECK(nlohmann::json::parse(by_variable.out) == usual);
}

TEST_CASE("a dry run counts the copy of a checkpoint and says if memory cannot hold it", "[cli]") {
  const ScratchFolder scratch;
  put_mixture_and_data(scratch);
  const std::string train =
      "train --model mixture --data data -o run --sequence-length 64 --steps 10 --save-steps 2 --dry-run ";
  CHECK_THAT(run(scratch, train).out, !ContainsSubstring("--async-checkpoint"));
  const Outcome text = run(scratch, train + "--async-checkpoint");
  CHECK_THAT(text.out, ContainsSubstring("  copy ") && ContainsSubstring("of a checkpoint, for --async-checkpoint\n"));
  CHECK_THAT(text.error, !ContainsSubstring("note: --async-checkpoint"));
  const auto plan = nlohmann::json::parse(run(scratch, train + "--json --async-checkpoint").out);
  CHECK(plan["host_bytes"]["checkpoint_copy"] == plan["disk_bytes"]["checkpoint"]);
  CHECK(nlohmann::json::parse(run(scratch, train + "--json").out)["host_bytes"]["checkpoint_copy"] == 0);
  if (is_slow_build) {
    WARN("not compared with the free memory: the sanitizer's own memory would count towards the limit");
    return;
  }
  // Memory for the training, and for half of the copy.
  const auto bytes =
      plan["host_bytes"]["total"].get<std::int64_t>() + plan["host_bytes"]["checkpoint_copy"].get<std::int64_t>() / 2;
  const Outcome tight = run(scratch, train + "--async-checkpoint",
                            "MOE_MEMORY_LIMIT=" + std::to_string(bytes + (std::int64_t{16} << 20)));
  INFO(tight.error);
  CHECK(tight.exit_code == 0);
  CHECK_THAT(tight.error, ContainsSubstring("note: --async-checkpoint needs ") &&
                              ContainsSubstring("; the run would save between its steps\n"));
}

TEST_CASE("a run that the GPU cannot hold is refused with flags that fit, or none", "[cli][device]") {
  const ScratchFolder scratch;
  put_mixture_and_data(scratch);
  const std::string train =
      "train --model mixture --data data -o run --sequence-length 64 --steps 10 --dry-run --device cuda ";
  const auto total = [&](const std::string& words) {
    return nlohmann::json::parse(
               run(scratch, train + "--json --device-memory 1TB " + words).out)["device_bytes"]["total"]
        .get<std::int64_t>();
  };
  const std::string leanest =
      "--master-weights bfloat16 --moments bfloat16 "
      "--gradient-checkpointing --optimizer-state host";
  // Enough for moments of bfloat16 with gradient checkpointing, not for the default.
  const std::string fits = "--moments bfloat16 --gradient-checkpointing";
  const Outcome tight = run(scratch, train + "--device-memory " + std::to_string(total(fits)));
  CHECK(tight.exit_code == 4);
  CHECK_THAT(tight.error, ContainsSubstring("[train] cuda:0 must hold weights") && ContainsSubstring(fits + " fits\n"));
  const Outcome followed = run(scratch, train + fits + " --device-memory " + std::to_string(total(fits)));
  CHECK(followed.exit_code == 0);
  const Outcome crowded = run(scratch, train + "--device-memory " + std::to_string(total(leanest) - 1));
  CHECK(crowded.exit_code == 4);
  CHECK_THAT(crowded.error, ContainsSubstring("a smaller --batch-size or --sequence-length needs less\n"));
  const Outcome hopeless = run(scratch, train + "--device-memory 1GiB");
  CHECK(hopeless.exit_code == 4);
  CHECK_THAT(hopeless.error, ContainsSubstring("no setting of this command makes them fit\n"));
  CHECK_FALSE(std::filesystem::exists(scratch / "run"));
}

TEST_CASE("a run names its device in env.json, and a resumed one warns of another", "[cli][device]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  put_tiny_config(scratch);
  const std::string words =
      "pretrain --data data --config-json tiny.json --batch-size 2 --sequence-length 32 --threads 1 -q -o run ";
  REQUIRE(run(scratch, words + "--steps 2").exit_code == 0);
  auto environment = nlohmann::ordered_json::parse(get_bytes(scratch / "run/env.json"));
  CHECK(environment["device"] == "cpu");

  environment["device"] = "NVIDIA H200";
  put_bytes(scratch / "run/env.json", environment.dump());
  const Outcome other = run(scratch, words + "--steps 4 --resume");
  REQUIRE(other.exit_code == 0);
  CHECK_THAT(other.error, ContainsSubstring("the run began with another device: \"NVIDIA H200\", found \"cpu\""));
  CHECK(nlohmann::json::parse(get_bytes(scratch / "run/env.json"))["resumed"][0]["device"] == "cpu");

  // Runs of earlier versions name no device: they were on the CPU.
  environment.erase("device");
  put_bytes(scratch / "run/env.json", environment.dump());
  const Outcome earlier = run(scratch, words + "--steps 6 --resume");
  REQUIRE(earlier.exit_code == 0);
  CHECK_THAT(earlier.error, !ContainsSubstring("another device"));
}

TEST_CASE("an evaluation names its device and is resumed on another", "[cli][device]") {
  const ScratchFolder scratch;
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "make-checkpoint --config-json tiny.json -o model -q").exit_code == 0);
  std::string lines;
  for (const AddProblem& add : add_problems()) lines += line_of(add);
  put_bytes(scratch / "b.jsonl", lines);
  const std::string words =
      "evaluate --model model --benchmark b.jsonl --generate-only --max-new-tokens 2 --threads 1 -q -o out --resume";
  REQUIRE(run(scratch, words).exit_code == 0);
  std::string settings = get_bytes(scratch / "out/evaluation.toml");
  CHECK_THAT(settings, ContainsSubstring("dtype = \"float32\"\ndevice = \"cpu\"\n"));
  settings.replace(settings.find("\"cpu\""), 5, "\"cuda:0\"");
  put_bytes(scratch / "out/evaluation.toml", settings);
  for (const char* name : {"completions.jsonl", "MANIFEST"}) std::filesystem::remove(scratch / "out" / name);
  const Outcome resumed = run(scratch, words);
  INFO(resumed.error);
  CHECK(resumed.exit_code == 0);
  CHECK(std::filesystem::exists(scratch / "out/completions.jsonl"));
}

}  // namespace cli_device_test
