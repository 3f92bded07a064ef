/// Every command that reads text checks that model, tokenizer and text match.
#include <nlohmann/json.hpp>

#include "../tokenizer/golden_tokenizer.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace text_of_model_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

void edit(const std::filesystem::path& path, const char* field, const nlohmann::json& value) {
  auto json = nlohmann::json::parse(get_bytes(path));
  json[field] = value;
  put_bytes(path, json.dump());
}

}  // namespace

TEST_CASE("every command rejects a vocabulary that is smaller than the tokenizer's", "[cli][tokenizer]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  put_tiny_config(scratch);
  edit(scratch / "tiny.json", "vocab_size", 200);
  const std::string rule =
      "vocab_size must hold the tokenizer's 257 tokens, found 200; the tokenizer is the byte tokenizer";
  const Outcome pretrain = run(scratch, "pretrain --data data --config-json tiny.json --steps 1 -q -o run");
  CHECK(pretrain.exit_code == 2);
  CHECK_THAT(pretrain.error, ContainsSubstring(rule) && ContainsSubstring("--tokenizer selects another"));
  // A model of another program, with such a small vocabulary and without a tokenizer.
  const std::string small = "'" + (std::filesystem::path(MOE_GOLDEN_CHECKPOINTS) / "qwen2").string() + "'";
  for (const std::string words :
       {"train --data data --steps 1 --sequence-length 16 -q -o run", "eval --data data", "trace --data data -o traced",
        "generate --prompt a --max-new-tokens 1", "upcycle --arch mixtral -q -o mixture"}) {
    const Outcome outcome = run(scratch, words + " --model " + small);
    INFO(words << "\n" << outcome.error);
    CHECK(outcome.exit_code == 3);
    CHECK_THAT(outcome.error, ContainsSubstring("vocab_size must hold the tokenizer's 257 tokens, found 97"));
  }
}

TEST_CASE("text of another tokenizer is rejected with both names and a remedy", "[cli][tokenizer]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "pieces/tokenizer.json", golden_text("tokenizer.json"));
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o bytes").exit_code == 0);
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' --tokenizer pieces -o data").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --size tiny -q -o of-bytes").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --size tiny --tokenizer pieces -q -o of-pieces").exit_code == 0);
  put_tiny_config(scratch);
  const auto fault = [&](const std::string& words) {
    const Outcome outcome = run(scratch, words);
    CHECK(outcome.exit_code == 3);
    return outcome.error;
  };
  const std::string pretrain = "pretrain --size demo --steps 1 -q -o run ";
  CHECK_THAT(fault(pretrain + "--data data"),
             ContainsSubstring("must be text of the tokenizer bytes (257 tokens), found that of pieces (") &&
                 ContainsSubstring("give --tokenizer pieces, or make the text again by `prepare` with no --tokenizer"));
  CHECK_THAT(fault(pretrain + "--data bytes --tokenizer pieces"),
             ContainsSubstring("must be text of the tokenizer pieces (") &&
                 ContainsSubstring("found that of bytes (257 tokens); give no --tokenizer, or make the text again by "
                                   "`prepare` with --tokenizer pieces"));
  for (const std::string words : {"eval", "train --steps 1 -q -o run", "trace -o traced"}) {
    CHECK_THAT(fault(words + " --model of-bytes --data data"),
               ContainsSubstring("found that of pieces (") &&
                   ContainsSubstring("make the text again by `prepare` with no --tokenizer"));
    CHECK_THAT(fault(words + " --model of-pieces --data bytes"),
               ContainsSubstring("found that of bytes (257 tokens)") &&
                   ContainsSubstring("make the text again by `prepare` with --tokenizer of-pieces"));
  }
  // Text prepared by an older version of the program does not record the tokenizer's name.
  edit(scratch / "data/report.json", "tokenizer", nullptr);
  CHECK_THAT(fault(pretrain + "--data data"),
             ContainsSubstring("found that of another one (") &&
                 ContainsSubstring("give the --tokenizer FOLDER that `prepare` was given"));
  CHECK_THAT(fault("prepare '" MOE_TEST_CORPUS "' --tokenizer nowhere -o other"),
             ContainsSubstring("[nowhere] --tokenizer must name a folder, found nothing there"));
  CHECK_THAT(fault("prepare '" MOE_TEST_CORPUS "' --tokenizer tiny.json -o other"),
             ContainsSubstring("--tokenizer must name a folder, found a file"));
}

TEST_CASE("a setting that only training does not support ends training and no other command", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --size tiny -q -o m").exit_code == 0);
  std::filesystem::remove(scratch / "m/MANIFEST");
  edit(scratch / "m/config.json", "attention_dropout", 0.5);
  edit(scratch / "m/config.json", "zeta", 3);
  const Outcome train = run(scratch, "train --model m --data data --steps 1 -q -o run");
  CHECK(train.exit_code == 3);
  CHECK_THAT(train.error,
             ContainsSubstring("attention_dropout must be 0 in training") && ContainsSubstring("found 0.5"));
  const Outcome pretrain = run(scratch, "pretrain --config-json m/config.json --data data --steps 1 -q -o run");
  CHECK(pretrain.exit_code == 3);
  const Outcome generate = run(scratch, "generate --model m --prompt a --max-new-tokens 1 -q");
  CHECK(generate.exit_code == 0);
  // One notice, though several parts of the program read the file.
  const std::size_t first = generate.error.find("fields that are unknown for this model_type: zeta");
  CHECK(first != std::string::npos);
  CHECK(generate.error.find("zeta", generate.error.find("zeta", first) + 1) == std::string::npos);
  CHECK(run(scratch, "eval --model m --data data --max-bytes 600").exit_code == 0);
  // Upcycling keeps the setting.
  REQUIRE(run(scratch, "upcycle --model m --arch mixtral -q -o mixture").exit_code == 0);
  CHECK(nlohmann::json::parse(get_bytes(scratch / "mixture/config.json"))["attention_dropout"] == 0.5);
}

}  // namespace text_of_model_test
