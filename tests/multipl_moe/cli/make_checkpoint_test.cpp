#include <nlohmann/json.hpp>

#include "multipl_moe/io/safetensors.hpp"
#include "program.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace make_checkpoint_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using moe::testing::is_slow_build;

TEST_CASE("every command reads a checkpoint of random weights", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "make-checkpoint --size demo --max-shard-size 500kB --seed 4 -o base").exit_code == 0);
  const TensorFolder base = TensorFolder::open(scratch / "base");
  CHECK(base.files().size() > 1);
  CHECK(base.entry("model.norm.weight").dtype == "BF16");
  CHECK(nlohmann::json::parse(get_bytes(scratch / "base/config.json"))["torch_dtype"] == "bfloat16");
  CHECK_THAT(run(scratch, "info --model base").out, ContainsSubstring("dense"));
  CHECK(run(scratch, "generate --model base --prompt a --max-new-tokens 2 --seed 1").exit_code == 0);

  REQUIRE(run(scratch, "make-checkpoint --size demo --seed 4 -o again").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --size demo --seed 5 -o other").exit_code == 0);
  CHECK(get_bytes(scratch / "again/model.safetensors") != get_bytes(scratch / "other/model.safetensors"));
  REQUIRE(run(scratch, "make-checkpoint --size demo --seed 4 --threads 2 -o threads").exit_code == 0);
  CHECK(get_bytes(scratch / "again/model.safetensors") == get_bytes(scratch / "threads/model.safetensors"));
}

TEST_CASE("a named size takes its vocabulary size from the given tokenizer", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "tokenizer train '" MOE_TEST_CORPUS "' -o pieces --vocab-size 1300").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --size tiny --tokenizer pieces -q -o base").exit_code == 0);
  CHECK(nlohmann::json::parse(get_bytes(scratch / "base/config.json"))["vocab_size"] == 1300);
  put_bytes(scratch / "narrow.json", std::string(get_bytes(scratch / "base/config.json"))
                                         .replace(get_bytes(scratch / "base/config.json").find("1300"), 4, "1024"));
  const Outcome narrow = run(scratch, "make-checkpoint --config-json narrow.json --tokenizer pieces -q -o other");
  CHECK(narrow.exit_code == 2);
  CHECK_THAT(narrow.error, ContainsSubstring("must hold the tokenizer's 1300 tokens, found 1024"));
}

TEST_CASE("a missing folder, or one without a tokenizer, is an error and does not select the byte tokenizer", "[cli]") {
  const ScratchFolder scratch;
  std::filesystem::create_directory(scratch / "empty");
  for (const std::string command : {"prepare '" MOE_TEST_CORPUS "' -o data --tokenizer ",
                                    "make-checkpoint --size tiny -o base --tokenizer ", "tokenizer encode --model "}) {
    INFO(command);
    const std::string flag = command.substr(command.rfind("--"));
    const Outcome missing = run(scratch, command + "Qwen1.5-1.8b"), empty = run(scratch, command + "empty");
    CHECK(missing.exit_code == 3);
    CHECK_THAT(missing.error, ContainsSubstring("[Qwen1.5-1.8b] " + flag + "must name a folder, found nothing there"));
    CHECK(empty.exit_code == 3);
    CHECK_THAT(empty.error, ContainsSubstring("[empty] must hold tokenizer.json, vocab.json and merges.txt, or"));
  }
  CHECK_FALSE(std::filesystem::exists(scratch / "data"));
  const Outcome upcycle = run(scratch, "upcycle --model Qwen1.5-1.8b -o moe");
  CHECK(upcycle.exit_code == 3);
  CHECK_THAT(upcycle.error, ContainsSubstring("[Qwen1.5-1.8b] must be the folder of a model or of a run"));
}

TEST_CASE("upcycling keeps the dtype of the dense model unless --dtype is given", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "make-checkpoint --size demo -o base").exit_code == 0);
  const Outcome outcome = run(scratch, "upcycle --model base -o mixture");
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.error, ContainsSubstring("saved mixture"));
  CHECK(outcome.error.find('\r') == std::string::npos);
  CHECK(TensorFolder::open(scratch / "mixture").entry("lm_head.weight").dtype == "BF16");
  REQUIRE(run(scratch, "upcycle --model base -o wide --dtype float32 -q").exit_code == 0);
  CHECK(TensorFolder::open(scratch / "wide").entry("lm_head.weight").dtype == "F32");
  REQUIRE(run(scratch, "generate --model mixture --prompt a --max-new-tokens 2").exit_code == 0);
}

TEST_CASE("the random numbers of upcycling do not depend on the number of threads", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "make-checkpoint --size demo -q -o base").exit_code == 0);
  const std::string words = "upcycle --model base --noise 0.01 --reinitialize 0.3 -q -o ";
  REQUIRE(run(scratch, words + "one --threads 1").exit_code == 0);
  for (const std::string& threads :
       is_slow_build ? std::vector<std::string>{"3"} : std::vector<std::string>{"2", "3", "7"}) {
    REQUIRE(run(scratch, words + threads + " --threads " + threads).exit_code == 0);
    CHECK(get_bytes(scratch / "one/model.safetensors") == get_bytes(scratch / (threads + "/model.safetensors")));
  }
}

TEST_CASE("a model in Hugging Face's cache is upcycled like one in a folder", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "tokenizer train '" MOE_TEST_CORPUS "' -o pieces --vocab-size 300").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --size tiny --tokenizer pieces --max-shard-size 200kB -o base").exit_code == 0);
  // Like a download: without MANIFEST, and with generation_config.json.
  std::filesystem::remove(scratch / "base/MANIFEST");
  put_bytes(scratch / "base/generation_config.json", R"({"top_k": 3})");
  const std::filesystem::path hub = scratch / "hub/models--Q--M";
  std::filesystem::create_directories(hub / "snapshots/4f");
  std::filesystem::create_directory(hub / "blobs");
  int number = 0;
  for (const auto& file : std::filesystem::directory_iterator(scratch / "base")) {
    const std::string blob = "b" + std::to_string(number++);
    std::filesystem::copy_file(file.path(), hub / "blobs" / blob);
    std::filesystem::create_symlink("../../blobs/" + blob, hub / "snapshots/4f" / file.path().filename());
  }
  REQUIRE(number > 5);
  REQUIRE(run(scratch, "upcycle --model base -o one").exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model hub/models--Q--M/snapshots/4f -o two").exit_code == 0);
  for (const auto& file : std::filesystem::directory_iterator(scratch / "one"))
    CHECK(get_bytes(file.path()) == get_bytes(scratch / "two" / file.path().filename().native()));
  CHECK(run(scratch, "generate --model hub/models--Q--M/snapshots/4f --prompt a --max-new-tokens 2").exit_code == 0);
}

TEST_CASE("a model that cannot be made or upcycled is rejected before anything is written", "[cli]") {
  const ScratchFolder scratch;
  CHECK(run(scratch, "make-checkpoint --size huge -o m").exit_code == 2);
  CHECK(run(scratch, "make-checkpoint --size demo --dtype int8 -o m").exit_code == 2);
  CHECK(run(scratch, "make-checkpoint --size demo --arch nonsense -o m").exit_code == 2);
  CHECK(run(scratch, "upcycle --model nowhere -o m").exit_code == 3);
  CHECK_FALSE(std::filesystem::exists(scratch / "m"));

  // A model whose weights have another shape than its configuration states.
  REQUIRE(run(scratch, "make-checkpoint --size demo -q -o base").exit_code == 0);
  std::string config = get_bytes(scratch / "base/config.json");
  const std::string width = "\"intermediate_size\": 344";
  REQUIRE(config.find(width) != std::string::npos);
  put_bytes(scratch / "base/config.json",
            config.replace(config.find(width), width.size(), "\"intermediate_size\": 352"));
  const Outcome shape = run(scratch, "upcycle --model base -o m");
  CHECK(shape.exit_code == 3);
  CHECK_THAT(shape.error, ContainsSubstring("mlp.") && ContainsSubstring("344") && ContainsSubstring("352"));
  CHECK_FALSE(std::filesystem::exists(scratch / "m"));
}

TEST_CASE("a model that exceeds the free disk space is rejected before anything is written", "[cli]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "wide.json",
            R"({"model_type": "qwen2", "hidden_size": 1048576, "intermediate_size": 1048576, "num_hidden_layers": 1,
                "num_attention_heads": 8192, "num_key_value_heads": 8192, "vocab_size": 1048576})");
  const Outcome outcome = run(scratch, "make-checkpoint --config-json wide.json -o m");
  CHECK(outcome.exit_code == 5);
  CHECK_THAT(outcome.error, ContainsSubstring("bytes"));
  CHECK_FALSE(std::filesystem::exists(scratch / "m"));
}

TEST_CASE("a dry run reports what a training run needs and writes nothing", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --size demo --arch causal-multipl-moe -q -o mixture").exit_code == 0);
  const std::string words = "train --model mixture --data data -o run --sequence-length 64 --steps 10 --dry-run";
  const Outcome text = run(scratch, words);
  CHECK(text.exit_code == 0);
  CHECK_THAT(text.out, ContainsSubstring("moments") && ContainsSubstring("ruby") && ContainsSubstring("checkpoint"));
  const Outcome outcome = run(scratch, words + " --json --gradient-accumulation-steps 3");
  REQUIRE(outcome.exit_code == 0);
  const auto plan = nlohmann::json::parse(outcome.out);
  CHECK(plan["tokens"] == 10 * 3 * 4 * 64);
  const Outcome lean =
      run(scratch, words + " --json --gradient-accumulation-steps 3 --master-weights split --moments bfloat16");
  REQUIRE(lean.exit_code == 0);
  const auto lean_plan = nlohmann::json::parse(lean.out);
  CHECK(plan["host_bytes"]["moments"].get<std::int64_t>() * 6 / 8 ==
        lean_plan["host_bytes"]["moments"].get<std::int64_t>());
  CHECK(run(scratch, words + " --moments half").exit_code == 2);
  CHECK(plan["host_bytes"]["weights"] > plan["host_bytes"]["gradients"]);
  CHECK_FALSE(std::filesystem::exists(scratch / "run"));
  CHECK(run(scratch, "train --model mixture --data data -o run --json").exit_code == 2);
}

TEST_CASE("a training run that does not fit into memory is rejected before it starts", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  const std::string words = "pretrain --size qwen1.5-1.8b --data data -o run --sequence-length 64 --batch-size 1000000";
  for (const std::string end : {"", " --dry-run"}) {
    const Outcome outcome = run(scratch, words + end);
    CHECK(outcome.exit_code == 4);
    CHECK_THAT(outcome.error, ContainsSubstring("memory must hold") && ContainsSubstring("free"));
    CHECK_FALSE(std::filesystem::exists(scratch / "run"));
  }
}

}  // namespace make_checkpoint_test
