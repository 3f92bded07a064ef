#include "multipl_moe/cli/app.hpp"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace app_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using moe::testing::is_slow_build;

TEST_CASE("every command has help that names its options", "[cli]") {
  const ScratchFolder scratch;
  CHECK(run(scratch, "--help").exit_code == 0);
  for (const char* command : {"info",
                              "exercises",
                              "prepare",
                              "pretrain",
                              "make-checkpoint",
                              "upcycle",
                              "train",
                              "merge",
                              "export",
                              "eval",
                              "generate",
                              "trace",
                              "report",
                              "doctor",
                              "demo",
                              "probe leak",
                              "probe lesion",
                              "probe bypass",
                              "probe random-text",
                              "tokenizer train",
                              "tokenizer encode",
                              "tokenizer decode"}) {
    const Outcome help = run(scratch, std::string(command) + " --help");
    CHECK(help.exit_code == 0);
    CHECK_THAT(help.out, ContainsSubstring("--"));
    CHECK(help.error.empty());
  }
  CHECK_THAT(run(scratch, "train --help").out, ContainsSubstring("9:1") && ContainsSubstring("MOE_LEARNING_RATE"));
}

TEST_CASE("mistakes on the command line exit with 2 and are reported on stderr", "[cli]") {
  const ScratchFolder scratch;
  for (const char* words :
       {"", "fly", "info --wrong", "info --arch nonsense", "info --size huge", "train", "info --arch dense --model x",
        "generate --model m --prompt p --top-p 2", "pretrain --data d -o r --steps 0"}) {
    const Outcome outcome = run(scratch, words);
    INFO(words);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.error, ContainsSubstring("error: "));
  }
  CHECK_THAT(run(scratch, "info --arch nonsense").error, ContainsSubstring("causal-multipl-moe"));
}

TEST_CASE("missing and broken inputs exit with 3 and name the file", "[cli]") {
  const ScratchFolder scratch;
  const Outcome missing = run(scratch, "eval --model nowhere --data nothing");
  CHECK(missing.exit_code == 3);
  CHECK_THAT(missing.error, ContainsSubstring("nowhere"));
  put_bytes(scratch / "broken/config.json",
            "{\"hidden_size\": -4, \"intermediate_size\": 8, \"num_hidden_layers\": 1, \"num_attention_heads\": 2, "
            "\"num_key_value_heads\": 2, \"vocab_size\": 9}");
  const Outcome broken = run(scratch, "info --model broken");
  CHECK(broken.exit_code == 3);
  CHECK_THAT(broken.error, ContainsSubstring("config.json") && ContainsSubstring("hidden_size"));
}

TEST_CASE("info counts parameters without allocating them", "[cli]") {
  const ScratchFolder scratch;
  const Outcome outcome = run(scratch, "info --arch multipl-moe --size qwen1.5-1.8b --json");
  REQUIRE(outcome.exit_code == 0);
  const auto parameters = nlohmann::json::parse(outcome.out)["parameters"];
  CHECK(parameters["total"] == 10764994560);
  CHECK(parameters["active_per_token"] == 3460614144);
  CHECK(parameters["trainable"] == 8928165888);
}

TEST_CASE("the commands work in sequence, from source files to generated text", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  const std::string small = " --data data --batch-size 2 --sequence-length 32 --threads 1 -q";
  put_tiny_config(scratch);
  const std::string size = is_slow_build ? " --config-json tiny.json" : "";
  REQUIRE(run(scratch, "pretrain -o base --steps 3" + size + small).exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model base -o mixture --segment-window 8").exit_code == 0);
  REQUIRE(run(scratch, "train --model mixture -o post --steps 2 --mix 7:3" + small).exit_code == 0);
  const Outcome eval = run(scratch, "eval --model post --data data --sequence-length 32 --json");
  REQUIRE(eval.exit_code == 0);
  const auto scores = nlohmann::json::parse(eval.out);
  CHECK(scores.size() == 2 + 6);
  CHECK(scores["causal"] == true);
  CHECK(scores["changed_predictions"] == 0);
  const Outcome text = run(scratch, "generate --model post --prompt 'def ' --max-new-tokens 5 --seed 2");
  CHECK(text.exit_code == 0);
  CHECK(text.out == run(scratch, "generate --model post --prompt 'def ' --max-new-tokens 5 --seed 2").out);
  CHECK_THAT(run(scratch, "info --model mixture").out, ContainsSubstring("causal-multipl-moe"));
  CHECK(run(scratch, "upcycle --model mixture -o again").exit_code == 2);
  const Outcome paper = run(scratch, "upcycle --model base -o paper --arch multipl-moe");
  CHECK(paper.exit_code == 0);
  CHECK_THAT(run(scratch, "generate --model paper --prompt a --max-new-tokens 1").error, ContainsSubstring("note:"));
  const std::string ahead = "eval --model paper --data data --sequence-length 32 --max-bytes 200";
  CHECK(run(scratch, ahead).out.starts_with("not scores of a language model: the routing depends on later tokens"));
  const auto of_paper = nlohmann::json::parse(run(scratch, ahead + " --json").out);
  CHECK(of_paper["causal"] == false);
  CHECK(of_paper["changed_predictions"] > 0);
}

TEST_CASE("every compared system can be upcycled, trained, evaluated and used for generation", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  const std::string small = " --data data --batch-size 2 --sequence-length 32 --threads 1 -q";
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "pretrain -o base --steps 2 --config-json tiny.json" + small).exit_code == 0);
  const auto bits_of = [&](const std::string& model) {
    const Outcome eval =
        run(scratch, "eval --model " + model + " --data data --sequence-length 32 --json --max-bytes " +
                         (is_slow_build ? "200" : "2000"));
    REQUIRE(eval.exit_code == 0);
    return nlohmann::json::parse(eval.out)["rust"]["bits_per_byte"].get<double>();
  };
  const double base = bits_of("base");
  for (const std::string arch : {"lora", "mole --language-rank 3 --shared-rank 5 --languages rust,go", "gshard",
                                 "mixtral", "qwen1.5-moe", "causal-multipl-moe"}) {
    INFO(arch);
    const std::string name = arch.substr(0, arch.find(' '));
    REQUIRE(run(scratch, "upcycle --model base -o " + name + " --arch " + arch).exit_code == 0);
    if (name == "qwen1.5-moe")
      CHECK(bits_of(name) != base);
    else
      CHECK(bits_of(name) == Catch::Approx(base).epsilon(1e-5));
    REQUIRE(run(scratch, "train --model " + name + " -o " + name + "-post --steps 2" + small).exit_code == 0);
    CHECK(bits_of(name + "-post") != bits_of(name));
    const std::string generate = "generate --model " + name + "-post --max-new-tokens 5 --prompt '```rust\nfn '";
    CHECK(run(scratch, generate).exit_code == 0);
    CHECK(run(scratch, generate + " --language go").exit_code == 0);
    const auto info = run(scratch, "info --json --model " + name);
    REQUIRE(info.exit_code == 0);
    CHECK(nlohmann::json::parse(info.out)["architecture"] == name);
  }
  REQUIRE(run(scratch, "merge --model lora-post -o merged").exit_code == 0);
  CHECK(bits_of("merged") == Catch::Approx(bits_of("lora-post")).epsilon(1e-5));
  CHECK_THAT(get_bytes(scratch / "merged/config.json"), ContainsSubstring("\"qwen2\""));
  CHECK(run(scratch, "merge --model base -o again").exit_code == 2);
  CHECK(run(scratch, "merge --model lora -o merged").exit_code == 2);
  CHECK(run(scratch, "upcycle --model base -o wide --arch mole").exit_code == 2);
  CHECK(run(scratch, "generate --model mole --prompt a --language perl").exit_code == 2);
}

TEST_CASE("an environment variable sets an option that the command line does not set", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  const auto steps_taken = [&](const std::string& words) {
    std::filesystem::remove_all(scratch / "base");
    REQUIRE(run(scratch, "pretrain --data data -o base -q --batch-size 1 --sequence-length 32 " + words).exit_code ==
            0);
    const std::string metrics = get_bytes(scratch / "base/metrics.jsonl");
    return std::count(metrics.begin(), metrics.end(), '\n');
  };
  setenv("MOE_STEPS", "3", 1);
  CHECK(steps_taken("") == 3);
  CHECK(steps_taken("--steps 2") == 2);
  setenv("MOE_STEPS", "0", 1);
  CHECK_THAT(run(scratch, "pretrain --data data -o base -q").error,
             ContainsSubstring("--steps: must be above 0, found 0"));
  unsetenv("MOE_STEPS");
}

TEST_CASE("an output folder that cannot be created exits with 5", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  const Outcome outcome =
      run(scratch, "pretrain --data data -o /proc/run -q --steps 1 --batch-size 1 --sequence-length 32");
  CHECK(outcome.exit_code == 5);
  CHECK_THAT(outcome.error, ContainsSubstring("/proc/run"));
}

TEST_CASE("output that cannot be written exits with 5", "[cli]") {
  const ScratchFolder scratch;
  CHECK(run(scratch, "info --arch dense > /dev/full").exit_code == 5);
}

TEST_CASE("upcycle never replaces a folder that is not empty", "[cli]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "keep/notes.txt", "precious");
  const Outcome outcome = run(scratch, "upcycle --model base -o keep");
  CHECK(outcome.exit_code == 2);
  CHECK(get_bytes(scratch / "keep/notes.txt") == "precious");
}

TEST_CASE("the demo rejects a corpus that lacks languages", "[cli]") {
  const ScratchFolder scratch;
  const Outcome poor = run(scratch, "demo --corpus '" MOE_TEST_CORPUS "/python' -o poor -q");
  CHECK(poor.exit_code == 2);
  CHECK_THAT(poor.error, ContainsSubstring("Java"));
}

// The commands that the demo runs have their own tests, which slow builds run too.
TEST_CASE("the demo runs on a user's corpus", "[cli]") {
  if (is_slow_build) {
    WARN("skipped: generating the texts takes minutes in this build");
    return;
  }
  const ScratchFolder scratch;
  const Outcome demo =
      run(scratch, "demo --corpus '" MOE_TEST_CORPUS "' -o out --base-steps 4 --post-steps 3 --sequence-length 64 -q");
  REQUIRE(demo.exit_code == 0);
  CHECK(demo.error.empty());
  CHECK_THAT(demo.out, ContainsSubstring("dense control") &&
                           ContainsSubstring("yes at step 0, normalized fusion equals the base"));
  CHECK(std::filesystem::exists(scratch / "out/report.json"));
}

}  // namespace app_test
