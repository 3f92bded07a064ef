#include <filesystem>
#include <nlohmann/json.hpp>

#include "multipl_moe/reproduce/run_plan.hpp"
#include "program.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace reproduce_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string joined(const nlohmann::json& words) {
  std::string text;
  for (const auto& word : words) text += word.get<std::string>() + " ";
  return text;
}

/// The words with the value of a flag replaced.
nlohmann::json with_value(nlohmann::json words, const std::string& flag, const std::string& value) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i)
    if (words[i] == flag) words[i + 1] = value;
  return words;
}

}  // namespace

TEST_CASE("every command of a plan is one that the program accepts, and every system can be made", "[cli][reproduce]") {
  const ScratchFolder scratch;
  const Outcome planned = run(scratch, "reproduce --plan --json --seeds 1 --corpus src");
  REQUIRE(planned.exit_code == 0);
  const auto plan = nlohmann::json::parse(planned.out);
  // Wide enough for the adapters of MoLE.
  put_bytes(scratch / "tiny.json",
            R"({"model_type": "qwen2", "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1,
                "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 257})");
  put_bytes(scratch / "src/a.py", std::string(4000, 'x') + "\n");
  for (int i = 0; i < 30; ++i)
    put_bytes(scratch / ("src/" + std::to_string(i) + ".py"), "a = " + std::to_string(i * i) + "\n");
  REQUIRE(run(scratch, "prepare src -o data").exit_code == 0);
  const Outcome trained = run(scratch,
                              "pretrain --data data --config-json tiny.json --languages python --steps 1 "
                              "--batch-size 1 --sequence-length 8 --threads 1 -q -o base");
  INFO(trained.error);
  REQUIRE(trained.exit_code == 0);
  int made = 0, seen = 0;
  for (const auto& stage : plan["stages"]) {
    const auto& words = stage["command"];
    CAPTURE(joined(words));
    if (words[0] == "upcycle") {
      const std::string model = "models/" + std::to_string(made++);
      const Outcome outcome =
          run(scratch, joined(with_value(with_value(words, "--model", "base"), "-o", model)) + "--threads 1");
      INFO(outcome.error);
      CHECK(outcome.exit_code == 0);
    } else if (++seen % (moe::testing::is_slow_build ? 4 : 1) == 0) {
      const nlohmann::json share = multipl_moe::reproduce::share_words(
          {.id = "", .words = words.get<std::vector<std::string>>(), .needs = {}, .output = ""}, 1);
      const Outcome outcome = run(scratch, joined(words) + joined(share) + "--print-config");
      INFO(outcome.error);
      CHECK(outcome.exit_code == 0);
    }
  }
  // Of exercises, real code, and random letters.
  CHECK(made == 18 + 10 + 2);
}

TEST_CASE("what reproduce cannot do is refused before anything is written", "[cli][reproduce]") {
  const ScratchFolder scratch;
  const auto check = [&](const std::string& words, const std::string& reason) {
    const Outcome outcome = run(scratch, "reproduce " + words);
    CAPTURE(words, outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring(reason));
    CHECK_FALSE(std::filesystem::exists(scratch / "out"));
  };
  check("", "needs --output");
  check("-o out --json", "needs --plan");
  check("-o out --scale paper", "planned only");
  check("-o out --scale smoke --only table1", "--only");
  check("-o out --only table4", "table4");
  check("-o out --scale large", "large");
  check("-o out --seeds 0", "--seeds");
  check("-o out --corpus nowhere", "nothing at 'nowhere'");
  check("-o out --jobs 0", "--jobs");
  check("-o out --report", "no run in 'out'");
  check("--report", "needs --output");
  check("-o out --report --resume", "runs nothing, found --resume");
  check("-o out --report --jobs 2", "runs nothing, found --jobs");
  check("--report --plan", "runs nothing, found --plan");
  check("-o out --publish page", "found no --report");
  put_bytes(scratch / "full/file", "x");
  check("-o full --scale smoke", "--resume continues");
  put_bytes(scratch / "begun/scale", "smoke\n");
  put_bytes(scratch / "begun/stages/x", "");
  check("-o begun --resume", "was begun with --scale smoke, found --scale small; give --scale smoke, or another");
  check("-o begun --report", "was begun with --scale smoke");
  check("-o begun --report --publish begun/page", "--publish must lie outside of --output, found 'begun/page'");
  check("-o begun --report --publish x/../begun/page", "--publish must lie outside of --output");
  CHECK(names_in(scratch / "begun") == std::vector<std::string>{"scale", "stages"});
}

TEST_CASE("the option --report writes what is finished, and names what was not run", "[cli][reproduce]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "out/stages/x", "");
  const Outcome outcome = run(scratch, "reproduce --scale smoke -o out --report");
  CHECK(outcome.exit_code == 0);
  for (const char* part : {"Not finished: 0 of 12 stages are done", "| base | not run |", "| MultiPL-MoE | not run |"})
    CHECK_THAT(outcome.out, ContainsSubstring(part));
  CHECK(get_bytes(scratch / "out/report.md") == outcome.out);
  // The paper's own differences need no run.
  CHECK(names_in(scratch / "out/figures") == std::vector<std::string>{"margins.csv", "margins.md"});
  CHECK(names_in(scratch / "out") ==
        std::vector<std::string>{"claims.csv", "figures", "report.html", "report.md", "scores.csv", "stages"});

  REQUIRE(run(scratch, "reproduce --scale smoke -o out --report --publish page").exit_code == 0);
  CHECK(names_in(scratch / "page") ==
        std::vector<std::string>{"claims.csv", "figures", "report.html", "report.md", "scores.csv"});
  CHECK(get_bytes(scratch / "page/report.md") == outcome.out);
  CHECK_THAT(run(scratch, "reproduce --scale smoke -o out --report --publish page").error,
             ContainsSubstring("--publish must be a new or an empty folder"));
}

TEST_CASE("a plan is printed as text, with its totals", "[cli][reproduce]") {
  const ScratchFolder scratch;
  const Outcome outcome = run(scratch, "reproduce --plan --scale smoke --jobs 2");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.out, ContainsSubstring("# reproduce --scale smoke: 12 stages, 1 seed, about") &&
                              ContainsSubstring(" with --jobs 2, ") &&
                              ContainsSubstring("\nmultipl_moe upcycle --model exercises/seed-0/base/run"));
}

}  // namespace reproduce_test
