/// Errors name what a user typed or can see: flags, keys, files, commands. They do not name places in the source code.
#include <filesystem>
#include <regex>

#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace messages_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
namespace fs = std::filesystem;

namespace {

/// `Embedding::forward`, `[BatchStream]`, `[write_config]`.
const std::regex place_in_code(R"([A-Z]\w+::|\[[A-Z]\w*\]|\[[a-z]+(_[a-z]+)+\])");

/// Saves a model whose vocabulary is too small for the bytes that it would read.
void save_narrow_model(const fs::path& folder) {
  ModelConfig config = size_named("tiny");
  config.vocab_size = 90;
  const auto model = make_language_model(config, 1);
  model->initialize(1, 0.02);
  save_model(*model, folder);
}

}  // namespace

TEST_CASE("no error message names a place in the source code", "[cli]") {
  const ScratchFolder scratch;
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "/python' -o data").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --config-json tiny.json -q -o m").exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model m -q -o mixture").exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model m -q -o lora --arch lora").exit_code == 0);
  const std::string pretrain = "pretrain --data data --config-json tiny.json --threads 1 -q --batch-size 2 ";
  REQUIRE(run(scratch, pretrain + "--sequence-length 32 --steps 2 -o run").exit_code == 0);
  save_narrow_model(scratch / "narrow");
  put_bytes(scratch / "file", "text");
  put_bytes(scratch / "empty.toml", "[train]\nmodel = 3\n");
  put_bytes(scratch / "broken/config.json", "{");
  put_bytes(scratch / "fault.json", R"({"hidden_size": 15, "intermediate_size": 24, "num_hidden_layers": 2,
      "num_attention_heads": 2, "vocab_size": 257, "moe": {"architecture": "mole"}})");
  put_bytes(scratch / "prompts.jsonl", "{\"prompt\": 3}\n");
  for (const std::string& words :
       std::vector<std::string>{"",
                                "trane",
                                "--steps",
                                "tokenizer",
                                "tokenizer encode",
                                "tokenizer encode --model nowhere",
                                "tokenizer train file -o t",
                                "tokenizer train data -o t",
                                "tokenizer train '" MOE_TEST_CORPUS "' -o t --vocab-size 3",
                                "tokenizer decode --model m < file",
                                "info --size huge",
                                "info --arch none",
                                "info --model broken",
                                "info --model m --arch dense",
                                "info --model nowhere",
                                "prepare nowhere -o d",
                                "prepare file -o d",
                                "prepare '" MOE_TEST_CORPUS "' -o d --dev-fraction 0.9",
                                "prepare '" MOE_TEST_CORPUS "' -o /proc/d",
                                "prepare '" MOE_TEST_CORPUS "' -o d --tokenizer data",
                                "make-checkpoint -o m",
                                "make-checkpoint --config-json fault.json -o x",
                                "make-checkpoint --config-json file -o x",
                                "make-checkpoint --arch none -o x",
                                "make-checkpoint --max-shard-size 0 -o x",
                                "make-checkpoint --dtype int8 -o x",
                                "make-checkpoint --deviation -1 -o x",
                                "upcycle --model mixture -o x",
                                "upcycle --model nowhere -o x",
                                "upcycle --model m -o x --arch none",
                                "upcycle --model m -o x --experts-per-token 9",
                                "upcycle --model m -o x --arch mole --languages perl",
                                "upcycle --model m -o x --arch mole",
                                "upcycle --model m -o x --shared-expert 7",
                                "upcycle --model m -o x --token-experts 70000",
                                "upcycle --model m -o x --arch mixtral --fusion scalar",
                                "upcycle --model m -o x --threshold-beta 1",
                                "upcycle --model m -o x --noise -1",
                                "upcycle --model m -o x --segment-window 0",
                                "merge --model m -o x",
                                "export --model mixture -o x",
                                "export --model lora -o x",
                                "export --model m -o m",
                                "train --model m --data nowhere -o x",
                                "train --model nowhere --data data -o x",
                                "train --model m --data data -o x --mix 1",
                                "train --model m --data data -o x --mix 1:0 --sequence-length 9999999",
                                "train --model m --data data -o x --mix 1:0",
                                "train --model m --data data -o x --threads 0",
                                "train --model mixture --data data -o x --sequence-length 99999999",
                                "train --model m --data data -o run --steps 2",
                                "train --model m --data data -o run --steps 2 --resume",
                                "train --model m --data data -o nothing --resume",
                                "train --config empty.toml",
                                "train --config file",
                                "train --config nowhere",
                                "train --model m --data data -o x --master-weights int8",
                                "train --model m --data data -o x --json",
                                "train --model m --data data -o x --keep-checkpoints 0",
                                "train --model narrow --data data -o x --mix 0:1 --sequence-length 32 --steps 1 -q",
                                pretrain + "-o run --steps 2 --sequence-length 32",
                                pretrain + "-o run --steps 1 --sequence-length 32 --resume",
                                pretrain + "-o run --steps 2 --sequence-length 16 --seed 3 --resume",
                                pretrain + "-o x --languages java",
                                pretrain + "-o x --languages perl",
                                pretrain + "-o x --size tiny",
                                pretrain + "-o x --tokenizer nowhere",
                                pretrain + "-o x --batch-size 0",
                                "eval --model m --data data --split train",
                                "eval --model m --data m",
                                "eval --model narrow --data data",
                                "eval --model m --data data --sequence-length 0",
                                "generate --model m",
                                "generate --model m --prompt a --top-p 0",
                                "generate --model m --prompt a --temperature -1",
                                "generate --model m --prompt a --max-new-tokens 99999999",
                                "generate --model m --prompt a --language perl",
                                "generate --model m --prompt a --stop ''",
                                "generate --model m --prompts-file prompts.jsonl",
                                "generate --model m --prompts-file nowhere",
                                "generate --model m --prompt a --batch-size 0",
                                "generate --model narrow --prompt a",
                                "trace --model m --data data -o t",
                                "trace --model mixture --data m -o t",
                                "report --run nowhere -o r",
                                "report --run data -o r",
                                "report --run run --run run -o /proc/r",
                                "demo --corpus data -o out -q",
                                "demo --corpus '" MOE_TEST_CORPUS "/go' -o out -q",
                                "doctor extra"}) {
    const Outcome outcome = run(scratch, words);
    INFO(words << "\n" << outcome.error);
    CHECK_FALSE(std::regex_search(outcome.error, place_in_code));
    if (outcome.exit_code != 0) CHECK_FALSE(outcome.error.empty());
  }
}

TEST_CASE("no error message in the program's sources begins with the name of a class or a function", "[cli]") {
  const std::regex literal(R"re("\[([A-Z]\w*(::\w+)?|[a-z]+(_[a-z]+)+)\] )re");
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(MOE_DOCS_DIR "/../examples/multipl_moe")) {
    if (entry.path().extension() != ".cpp" && entry.path().extension() != ".hpp") continue;
    ++files;
    INFO(entry.path());
    CHECK_FALSE(std::regex_search(get_bytes(entry.path()), literal));
  }
  CHECK(files > 200);
}

}  // namespace messages_test
