#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "program.hpp"
#include "support/catch.hpp"

namespace exercises_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("exercises are written, prepared and trained on with a little low-resource text", "[cli][exercises]") {
  const ScratchFolder scratch;
  const Outcome outcome = run(scratch, "exercises -o ex --problems 12 --high 1200 --low 800 --json");
  REQUIRE(outcome.exit_code == 0);
  const auto report = nlohmann::json::parse(outcome.out);
  CHECK(report["training"]["cpp"]["functions"] == 1200);
  CHECK(report["training"]["go"]["files"] == 40);
  CHECK(report["sets"]["test"]["problems"] == 12);
  CHECK(get_bytes(scratch / "ex/exercises.json") == outcome.out);

  // No file is taken for a near duplicate of another.
  const Outcome prepared = run(scratch, "prepare ex/train -o data --json");
  REQUIRE(prepared.exit_code == 0);
  const auto counts = nlohmann::json::parse(prepared.out);
  for (const auto& language : counts["languages"])
    for (const auto& count : language["filtered"]) CHECK(count == 0);

  put_tiny_config(scratch);
  const std::string small =
      "pretrain --data data --config-json tiny.json --steps 100 --batch-size 1 --sequence-length 8 --threads 1 -q -o ";
  const auto planned = nlohmann::json::parse(run(scratch, small + "base --mix 1:99 --dry-run --json").out);
  for (const char* language : {"rust", "go", "ruby"})
    CHECK(std::abs(planned["tokens_by_language"][language].get<double>() - 8 / 3.) <= 1);
  for (const char* language : {"python", "java", "cpp"})
    CHECK(std::abs(planned["tokens_by_language"][language].get<double>() - 264) <= 1);
  CHECK(run(scratch, small + "base --mix 1:99").exit_code == 0);
  CHECK_THAT(run(scratch, small + "other --mix 1:99 --languages rust").error, ContainsSubstring("--languages"));
  CHECK(run(scratch, small + "other --mix 1:99 --languages rust").exit_code == 2);
  CHECK_THAT(run(scratch, small + "other --mix 1").error, ContainsSubstring("LOW:HIGH"));
}

TEST_CASE("exercises go into a new folder only", "[cli][exercises]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "full/file", "x");
  const Outcome outcome = run(scratch, "exercises -o full");
  CHECK(outcome.exit_code == 2);
  CHECK_THAT(outcome.error, ContainsSubstring("new or an empty folder"));
}

TEST_CASE("exercises on a full disk leave nothing, and can be written again", "[cli][exercises]") {
  const ScratchFolder scratch;
  const std::string words = "exercises -o ex --problems 12 --high 40 --low 20";
  // Files of training are below the limit, those of problems above it.
  const Outcome full = run(scratch, words, file_size_limit(40));
  INFO(full.error);
  CHECK(full.exit_code == 5);
  CHECK_FALSE(std::filesystem::exists(scratch / "ex"));
  CHECK_FALSE(std::filesystem::exists(scratch / ".ex.partial"));
  CHECK(run(scratch, words).exit_code == 0);
  const Outcome nowhere = run(scratch, "exercises -o /proc/ex --problems 2 --high 1 --low 1");
  CHECK(nowhere.exit_code == 5);
  CHECK_THAT(nowhere.error, ContainsSubstring("/proc"));
}

TEST_CASE("exercises can be written to the working folder", "[cli][exercises]") {
  const ScratchFolder scratch;
  std::filesystem::create_directory(scratch / "here");
  CHECK(
      run(scratch, "exercises -o . --problems 2 --high 1 --low 1", "sh -c 'cd here && exec \"$0\" \"$@\"'").exit_code ==
      0);
  CHECK(std::filesystem::exists(scratch / "here/exercises.json"));
}

TEST_CASE("exercises that are refused leave no folder, so that the corrected command can write it",
          "[cli][exercises]") {
  const ScratchFolder scratch;
  CHECK(run(scratch, "exercises -o ex --problems 0").exit_code == 2);
  CHECK(run(scratch, "exercises -o ex --high -1").exit_code == 2);
  const Outcome high = run(scratch, "exercises -o ex --high 2000000");
  CHECK(high.exit_code == 2);
  CHECK_THAT(high.error, ContainsSubstring("--high"));
  CHECK(!std::filesystem::exists(scratch / "ex"));
  // There are not as many different problems.
  const Outcome many = run(scratch, "exercises -o ex --problems 2000");
  CHECK(many.exit_code == 2);
  CHECK_THAT(many.error, ContainsSubstring("--problems"));
  CHECK(!std::filesystem::exists(scratch / "ex"));
  CHECK(run(scratch, "exercises -o ex --problems 2 --high 1 --low 1").exit_code == 0);
}

TEST_CASE("prepare leaves out training files that share text with a benchmark, and says how many", "[cli][data]") {
  const ScratchFolder scratch;
  const auto source = [](int i) {
    std::string text;
    for (int line = 0; line < 8; ++line) text += "value_" + std::to_string(i) + "_" + std::to_string(line) + " = 1\n";
    return text;
  };
  for (int i = 0; i < 40; ++i) put_bytes(scratch / ("src/f" + std::to_string(i) + ".py"), source(i));
  REQUIRE(run(scratch, "prepare src -o all").exit_code == 0);
  const auto problem = [](const std::string& name, const std::string& prompt, const std::string& tests) {
    const nlohmann::json json{{"name", name}, {"language", "py"}, {"prompt", prompt}, {"tests", tests}};
    return json.dump() + "\n";
  };
  put_bytes(scratch / "b/prompts.jsonl", problem("a", source(3), "x") + problem("b", "y", source(4)));
  put_bytes(scratch / "more.jsonl", problem("c", source(5), "z") + problem("d", "short", "shorter"));
  const Outcome outcome = run(scratch, "prepare src -o kept --exclude b --exclude more.jsonl");
  REQUIRE(outcome.exit_code == 0);
  const auto counts = [&](const char* folder) {
    return nlohmann::json::parse(get_bytes(scratch / folder / "report.json"))["languages"]["python"];
  };
  const std::int64_t all = counts("all")["splits"]["train"]["documents"];
  const std::int64_t excluded = counts("kept")["excluded"];
  CHECK(excluded == 3);
  CHECK(counts("kept")["splits"]["train"]["documents"] == all - excluded);
  CHECK_THAT(outcome.out, ContainsSubstring("3 files of Python left out of train"));
  // A source has 8 lines of 3 tokens; 13 tokens have five names only if they begin with a line, which 4 runs do.
  const auto exclude = nlohmann::json::parse(get_bytes(scratch / "kept/report.json"))["exclude"];
  REQUIRE(exclude.size() == 2);
  const auto is = [](const nlohmann::json& found, const char* name, int problems, int without_runs, int runs) {
    return found["name"] == name && found["hash"].get<std::string>().size() == 16 && found["problems"] == problems &&
           found["problems_without_runs"] == without_runs && found["runs"] == runs;
  };
  CHECK(is(exclude[0], "b", 2, 0, 8));
  CHECK(is(exclude[1], "more", 2, 1, 4));
  CHECK_THAT(outcome.out, ContainsSubstring("1 of 4 problems of --exclude too short or too common to be found"));
  const Outcome missing = run(scratch, "prepare src -o kept --exclude nowhere");
  CHECK(missing.exit_code == 3);
  CHECK_THAT(missing.error, ContainsSubstring("nowhere"));
}

TEST_CASE("prepare refuses a benchmark that can exclude nothing, before it writes", "[cli][data]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "src/a.py", "x = 1\n");
  put_bytes(scratch / "short.jsonl", R"x({"name": "a", "language": "py", "prompt": "def f(x):", "tests": "f(1)"})x");
  const Outcome outcome = run(scratch, "prepare src -o out --exclude short.jsonl");
  CHECK(outcome.exit_code == 2);
  CHECK_THAT(outcome.error, ContainsSubstring("--exclude") && ContainsSubstring("13 consecutive tokens") &&
                                ContainsSubstring("the 1 problem of 'short.jsonl'") &&
                                ContainsSubstring("Leave it out"));
  CHECK(!std::filesystem::exists(scratch / "out"));
}

}  // namespace exercises_test
