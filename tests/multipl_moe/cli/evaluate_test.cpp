/// The command evaluate, as a process.
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <thread>

#include "../benchmark/add_problems.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace evaluate_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

/// A random model, and the six problems in `b.jsonl`.
void put_model_and_benchmark(const ScratchFolder& scratch) {
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "make-checkpoint --config-json tiny.json --deviation 1 -o model -q").exit_code == 0);
  std::string lines;
  for (const AddProblem& add : add_problems()) lines += line_of(add);
  put_bytes(scratch / "b.jsonl", lines);
}

/// Completions of the six problems, `n` of each, in turn right, wrong, broken and early.
void put_completions(const ScratchFolder& scratch, std::size_t n) {
  std::string lines;
  for (const AddProblem& add : add_problems())
    for (std::size_t i = 0; i < n; ++i)
      lines += nlohmann::json{{"name", add.problem.name},
                              {"language", add.tag},
                              {"completion", std::array{add.right, add.wrong, add.broken, add.early}[i]},
                              {"cut", false}}
                   .dump() +
               "\n";
  put_bytes(scratch / "c.jsonl", lines);
}

std::vector<nlohmann::json> lines_in(const fs::path& file) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(get_bytes(file));
  for (std::string line; std::getline(text, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

/// results.jsonl without what differs from run to run: times, memory, whether a program ran before, and the output,
/// in which Go and Ruby print times.
std::vector<nlohmann::json> lasting_results(const fs::path& file) {
  auto lines = lines_in(file);
  for (nlohmann::json& line : lines)
    for (const char* name : {"seconds", "cpu_seconds", "peak_bytes", "cached", "stdout"}) line.erase(name);
  return lines;
}

void check_refused(const ScratchFolder& scratch, const std::string& words, int exit_code, const std::string& text) {
  const Outcome outcome = run(scratch, "evaluate " + words);
  INFO(words << ": " << outcome.error);
  CHECK(outcome.exit_code == exit_code);
  CHECK_THAT(outcome.error, ContainsSubstring(text));
  CHECK(outcome.out.empty());
  CHECK_FALSE(fs::exists(scratch / "out"));
}

/// Put before a command that sees none of these files, in a mount namespace of its own; empty, after a line with the
/// reason, where this test may not make one.
std::string without_files(const std::vector<std::string>& files) {
  if (std::system("unshare --mount true 2>/dev/null") != 0) {
    WARN("mount namespaces need root, so this test was skipped");
    return "";
  }
  std::string command = "unshare --mount sh -c '";
  for (const std::string& file : files)
    if (fs::exists(file)) command += "mount --bind /dev/null " + file + " && ";
  return command + "exec \"$0\" \"$@\"'";
}

bool can_run() {
  static const std::string missing = why_not_run(six_languages);
  if (!missing.empty()) WARN(missing);
  return missing.empty();
}

}  // namespace

TEST_CASE("evaluate refuses flags that are missing, do not apply or do not fit", "[cli][evaluate]") {
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  put_completions(scratch, 1);
  const std::string model = "--model model --benchmark b.jsonl -o out ";
  check_refused(scratch, "--benchmark b.jsonl -o out", 2, "needs --model");
  check_refused(scratch, model + "--completions c.jsonl", 2, "has no effect with --completions");
  check_refused(scratch, "--model model --benchmark b.jsonl", 2, "needs --output");
  check_refused(scratch, "--model model -o out", 2, "needs --benchmark");
  check_refused(
      scratch, model + "--samples 20 --temperature 1 --pass-at 1,100", 2,
      "--pass-at must be at most --samples, since pass@k needs k samples of every problem, found k = 100 and 20 "
      "samples");
  check_refused(scratch, model + "--samples 2", 2, "--samples above 1 needs a --temperature above 0");
  check_refused(scratch, model + "--seed 1", 2, "--seed needs a --temperature above 0");
  check_refused(scratch, model + "--top-p 0.5", 2, "--top-p needs a --temperature above 0");
  check_refused(scratch, model + "--top-p 0 --temperature 1", 2, "--top-p must be above 0");
  check_refused(scratch, model + "--batch-size 9", 2, "batch-size");
  check_refused(scratch, model + "--sandbox none", 2, "add --allow-unsandboxed");
  check_refused(scratch, model + "--allow-unsandboxed", 2, "confirms --sandbox none");
  check_refused(scratch, model + "--languages basic", 2, "must be one of python");
  check_refused(scratch, model + "--generate-only --jobs 2", 2, "--jobs has no effect with --generate-only");
  check_refused(scratch, model + "--generate-only --export multipl-e", 2, "--export has no effect");
  check_refused(scratch, model + "--check", 2, "--model has no effect with --check");
  check_refused(scratch, "--check --benchmark b.jsonl --samples 2", 2, "--samples has no effect with --check");
  check_refused(scratch, "--completions c.jsonl --benchmark b.jsonl -o out --temperature 0", 2,
                "--temperature has no effect with --completions, only with --model or with --generate-only");
  check_refused(scratch, "--completions c.jsonl --benchmark b.jsonl -o out --pass-at 2", 2, "found k = 2 and 1 sample");
  check_refused(scratch, "--completions c.jsonl -o out", 2, "needs --benchmark");
  check_refused(scratch, "--model none --benchmark b.jsonl --generate-only -o out", 3, "none");
  check_refused(scratch, "--model model --benchmark none.jsonl -o out", 3, "none.jsonl");
  put_bytes(scratch / "bad.jsonl", get_bytes(scratch / "b.jsonl") + "{}\n");
  check_refused(scratch, "--model model --benchmark bad.jsonl -o out", 3, "line 7 must be a problem");
  check_refused(scratch, "--model model --benchmark b.jsonl --benchmark b.jsonl -o out", 2, "names of their own");
  check_refused(scratch, "--check --limit 2", 2, "--limit with --check needs --benchmark");
  put_bytes(scratch / "endless.jsonl", R"({"name": "n", "language": "rs", "prompt": "fn f() {", "tests": "}"})");
  check_refused(scratch, "--model model --benchmark endless.jsonl -o out", 2, "must have \"stop_tokens\"");
  put_bytes(scratch / "half.jsonl",
            get_bytes(scratch / "c.jsonl").substr(0, get_bytes(scratch / "c.jsonl").find('\n')));
  check_refused(scratch, "--completions half.jsonl --benchmark b.jsonl -o out", 3,
                "must have the same samples, numbered from 0, of every problem");
  put_bytes(scratch / "go.jsonl", line_of(add_problems()[4]));
  check_refused(scratch, "--model model --benchmark go.jsonl --languages ruby -o out", 2, "in which it has no problem");
}

TEST_CASE("completions are executed with the prompts that they continue", "[cli][evaluate]") {
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  REQUIRE(run(scratch,
              "evaluate --model model --benchmark b.jsonl --generate-only --limit 1 --languages python "
              "--max-new-tokens 2 --prompt stripped -q -o made")
              .exit_code == 0);
  check_refused(scratch, "--completions made --benchmark b.jsonl --limit 1 --languages python -o out", 2,
                "prompt was \"stripped\" when they were generated, found \"verbatim\"");
  put_bytes(scratch / "b.jsonl", get_bytes(scratch / "b.jsonl") + "\n");
  check_refused(scratch, "--completions made --benchmark b.jsonl --limit 1 --languages python --prompt stripped -o out",
                2, "with the prompts that they continue");
}

TEST_CASE("eval and evaluate name each other in their help", "[cli][evaluate]") {
  const ScratchFolder scratch;
  CHECK_THAT(run(scratch, "evaluate --help").out, ContainsSubstring("`eval` scores"));
  CHECK_THAT(run(scratch, "eval --help").out, ContainsSubstring("`evaluate` runs"));
}

TEST_CASE("completions do not depend on the limit, the batch or a kill", "[cli][evaluate]") {
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  const std::string words =
      "evaluate --model model --benchmark b.jsonl --generate-only --samples 3 --temperature 1 --max-new-tokens 60 "
      "--threads 1 -q -o ";
  REQUIRE(run(scratch, words + "whole").exit_code == 0);
  const std::string whole = get_bytes(scratch / "whole/completions.jsonl");
  CHECK(lines_in(scratch / "whole/completions.jsonl").size() == 18);
  CHECK_NOTHROW(check_manifest(scratch / "whole"));
  CHECK_THAT(get_bytes(scratch / "whole/evaluation.toml"), ContainsSubstring("temperature = 1\n") &&
                                                               ContainsSubstring("model_hash = \"XXH3 ") &&
                                                               ContainsSubstring("\"benchmark b\" = \"XXH3 "));

  REQUIRE(run(scratch, words + "alone --batch-size 1").exit_code == 0);
  CHECK(get_bytes(scratch / "alone/completions.jsonl") == whole);
  REQUIRE(run(scratch, words + "some --languages go,cpp").exit_code == 0);
  for (const nlohmann::json& line : lines_in(scratch / "some/completions.jsonl"))
    CHECK_THAT(whole, ContainsSubstring(line["completion"].dump()));

  // Without --resume a run is not touched; with it the settings must be the same.
  const Outcome again = run(scratch, words + "whole");
  CHECK(again.exit_code == 2);
  CHECK_THAT(again.error, ContainsSubstring("holds a run; --resume continues it"));
  const Outcome other = run(scratch, words + "whole --seed 3 --resume");
  CHECK(other.exit_code == 2);
  CHECK_THAT(other.error,
             ContainsSubstring("seed: 0, found 3") && ContainsSubstring("another --output, or remove whole"));
  CHECK(get_bytes(scratch / "whole/completions.jsonl") == whole);

  std::mt19937 random(1);
  for (int kill = 0; kill < 6; ++kill) {
    std::vector<std::string> list{"evaluate",
                                  "--model",
                                  "model",
                                  "--benchmark",
                                  "b.jsonl",
                                  "--generate-only",
                                  "--samples",
                                  "3",
                                  "--temperature",
                                  "1",
                                  "--max-new-tokens",
                                  "60",
                                  "--threads",
                                  "1",
                                  "-q",
                                  "-o",
                                  "killed",
                                  "--resume"};
    const ::pid_t child = start(scratch, list);
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<>(5, 60)(random)));
    ::kill(child, kill % 2 == 0 ? SIGKILL : SIGTERM);
    const int code = wait_for(child);
    CHECK((code == 0 || code == 128 + SIGKILL || code == 128 + SIGTERM));
  }
  REQUIRE(run(scratch, words + "killed --resume").exit_code == 0);
  CHECK(get_bytes(scratch / "killed/completions.jsonl") == whole);
  CHECK_NOTHROW(check_manifest(scratch / "killed"));
}

TEST_CASE("a journal that ends in the middle of a line is continued before that line", "[cli][evaluate]") {
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  const std::string words =
      "evaluate --model model --benchmark b.jsonl --generate-only --max-new-tokens 20 --threads 1 -q --resume -o ";
  REQUIRE(run(scratch, words + "whole").exit_code == 0);
  const std::string whole = get_bytes(scratch / "whole/completions.jsonl");
  for (const std::size_t bytes : {std::size_t{1}, whole.size() / 3, whole.size() / 2, whole.size() - 1}) {
    fs::remove_all(scratch / "cut");
    fs::copy(scratch / "whole", scratch / "cut");
    fs::remove(scratch / "cut/completions.jsonl");
    fs::remove(scratch / "cut/MANIFEST");
    put_bytes(scratch / "cut/.completions.jsonl", whole.substr(0, bytes));
    REQUIRE(run(scratch, words + "cut").exit_code == 0);
    CHECK(get_bytes(scratch / "cut/completions.jsonl") == whole);
    CHECK_NOTHROW(check_manifest(scratch / "cut"));
  }
}

TEST_CASE("a folder that cannot be written to ends an evaluation with 5", "[cli][evaluate]") {
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  const Outcome output =
      run(scratch, "evaluate --model model --benchmark b.jsonl --generate-only --max-new-tokens 2 -q -o /proc/out");
  CHECK(output.exit_code == 5);
  CHECK_THAT(output.error, ContainsSubstring("/proc/out"));
}

TEST_CASE("paths need not be UTF-8", "[cli][evaluate]") {
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  fs::rename(scratch / "model", scratch / "model\xff");
  fs::rename(scratch / "b.jsonl", scratch / "b\xff.jsonl");
  const Outcome generated = run(scratch,
                                "evaluate --model 'model\xff' --benchmark 'b\xff.jsonl' --generate-only "
                                "--max-new-tokens 2 -q -o 'out\xff'");
  INFO(generated.error);
  CHECK(generated.exit_code == 0);
  CHECK_THAT(get_bytes(scratch / "out\xff/evaluation.toml"),
             ContainsSubstring("benchmark = [\"b\xef\xbf\xbd.jsonl\"]") &&
                 ContainsSubstring("\"benchmark b\xef\xbf\xbd\" = \"XXH3 "));
  CHECK_NOTHROW(check_manifest(scratch / "out\xff"));
}

TEST_CASE("everything that an evaluation needs and that is missing is named at once", "[cli][evaluate][compilers]") {
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  put_completions(scratch, 1);
  const std::string before = without_files({"/usr/bin/bwrap", "/usr/bin/rustc", "/usr/bin/go", "/usr/bin/python3",
                                            "/usr/share/java/javatuples.jar", "/usr/bin/ruby", "/usr/bin/g++"});
  if (before.empty()) return;
  const std::string score = "evaluate --completions c.jsonl --benchmark b.jsonl -q -o out";
  for (const std::string& words : {std::string("evaluate --check"), score}) {
    const Outcome outcome = run(scratch, words, before);
    INFO(outcome.error);
    CHECK(outcome.exit_code == 1);
    CHECK_THAT(outcome.error,
               ContainsSubstring("\n  sandbox: ") && ContainsSubstring("apt-get install bubblewrap") &&
                   ContainsSubstring("\n  Python: apt-get install python3;") &&
                   ContainsSubstring("\n  Java: apt-get install openjdk-17-jdk-headless libjavatuples-java;") &&
                   ContainsSubstring("\n  C++: apt-get install g++;") &&
                   ContainsSubstring("\n  Rust: apt-get install rustc libstd-rust-dev;") &&
                   ContainsSubstring("\n  Go: apt-get install golang-go;") &&
                   ContainsSubstring("\n  Ruby: apt-get install ruby;"));
  }
  CHECK_FALSE(fs::exists(scratch / "out"));
  const Outcome json = run(scratch, "evaluate --check --languages rust --json", before);
  CHECK(nlohmann::json::parse(json.out)["sandbox"].is_null());
  CHECK(nlohmann::json::parse(json.out)["missing_packages"] == "rustc libstd-rust-dev");
}

TEST_CASE("a language without its compiler does not keep others from being checked", "[cli][evaluate][compilers]") {
  if (!can_run()) return;
  const ScratchFolder scratch;
  const std::string before = without_files({"/usr/bin/rustc"});
  if (before.empty()) return;
  const Outcome outcome = run(scratch, "evaluate --check --languages python,rust", before);
  INFO(outcome.error);
  CHECK(outcome.exit_code == 1);
  CHECK_THAT(outcome.error,
             ContainsSubstring("\n  Rust: apt-get install rustc libstd-rust-dev;") && !ContainsSubstring("sandbox:"));
  CHECK_THAT(outcome.out, ContainsSubstring("Rust     missing") && ContainsSubstring("self-test: Python passed now"));
  // Programs are found where packages put them, whatever PATH says.
  CHECK(run(scratch, "evaluate --check --languages python", "PATH=/nowhere").exit_code == 0);
}

TEST_CASE("a cache that cannot be written to is an error before anything is scored", "[cli][evaluate][compilers]") {
  if (!can_run()) return;
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  put_completions(scratch, 1);
  check_refused(scratch, "--completions c.jsonl --benchmark b.jsonl --cache /proc/cache -q -o out", 5, "/proc/cache");
}

TEST_CASE("a self-test is run once for a cache, and the output says so", "[cli][evaluate][compilers]") {
  if (!can_run()) return;
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  put_completions(scratch, 1);
  const std::string words =
      "evaluate --completions c.jsonl --benchmark b.jsonl --languages python,ruby --cache cache -o ";
  const Outcome first = run(scratch, words + "first"), second = run(scratch, words + "second");
  CHECK(first.exit_code == 0);
  CHECK_THAT(first.error, ContainsSubstring("self-test: Python, Ruby passed now"));
  CHECK(second.exit_code == 0);
  CHECK_THAT(second.error, ContainsSubstring("self-test: Python, Ruby passed on 2"));
  CHECK_THAT(get_bytes(scratch / "second/evaluation.toml"),
             ContainsSubstring("self_test = \"self-test: Python, Ruby passed on 2"));
  // What it was does not matter to a run that is continued; --check always tests.
  CHECK(run(scratch, words + "first --resume").exit_code == 0);
  CHECK_THAT(run(scratch, "evaluate --check --languages python --cache cache").out,
             ContainsSubstring("self-test: Python passed now"));
}

TEST_CASE("a disk that is full while programs run ends an evaluation with 5, and it can be continued",
          "[cli][evaluate][compilers]") {
  if (!can_run()) return;
  const ScratchFolder scratch;
  const AddProblem python = add_problems()[0];
  put_bytes(scratch / "b.jsonl", line_of(python));
  std::string lines;
  for (int i = 0; i < 60; ++i)
    lines += nlohmann::json{{"name", python.problem.name}, {"completion", "    return x + " + std::to_string(i) + "\n"}}
                 .dump() +
             "\n";
  put_bytes(scratch / "c.jsonl", lines);
  const std::string words = "evaluate --completions c.jsonl --benchmark b.jsonl -q -o ";
  REQUIRE(run(scratch, words + "whole").exit_code == 0);
  const std::string summary = get_bytes(scratch / "whole/summary.csv");
  CHECK_THAT(summary, ContainsSubstring("b,python,1,0.016667"));
  // The first limit is below the size of the completions, the second below that of the results.
  const auto size = [&](const char* name) {
    return static_cast<std::int64_t>(fs::file_size(scratch / "whole" / name));
  };
  REQUIRE(size("completions.jsonl") + 512 < size("results.jsonl"));
  for (const std::int64_t bytes : {size("completions.jsonl") - 512, size("completions.jsonl") + 512}) {
    const std::string folder = "full" + std::to_string(bytes);
    const Outcome full = run(scratch, words + folder, file_size_limit(bytes / 512));
    INFO(full.error);
    CHECK(full.exit_code == 5);
    for (const char* name : {"results.jsonl", "problems.csv", "summary.csv", "MANIFEST"})
      CHECK_FALSE(fs::exists(scratch / folder / name));
    REQUIRE(run(scratch, words + folder + " --resume").exit_code == 0);
    CHECK(get_bytes(scratch / folder / "summary.csv") == summary);
    CHECK(lasting_results(scratch / folder / "results.jsonl") == lasting_results(scratch / "whole/results.jsonl"));
  }
}

TEST_CASE("problems whose names differ in a slash alone are exported to files of their own",
          "[cli][evaluate][compilers]") {
  if (!can_run()) return;
  const ScratchFolder scratch;
  std::string problems, completions;
  for (const char* name : {"a/b", "a_b"}) {
    AddProblem python = add_problems()[0];
    python.problem.name = name;
    problems += line_of(python);
    completions += nlohmann::json{{"name", name}, {"completion", python.right}}.dump() + "\n";
  }
  put_bytes(scratch / "b.jsonl", problems);
  put_bytes(scratch / "c.jsonl", completions);
  REQUIRE(run(scratch, "evaluate --completions c.jsonl --benchmark b.jsonl --export multipl-e -q -o out").exit_code ==
          0);
  CHECK(nlohmann::json::parse(get_bytes(scratch / "out/multipl-e/a_b.python.results.json"))["name"] == "a_b");
  CHECK(nlohmann::json::parse(get_bytes(scratch / "out/multipl-e/a_b.python~2.results.json"))["name"] == "a/b");
}

TEST_CASE("a full disk ends an evaluation with 5, and it can be continued", "[cli][evaluate]") {
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  const std::string words =
      "evaluate --model model --benchmark b.jsonl --generate-only --max-new-tokens 200 --threads 1 -q -o ";
  REQUIRE(run(scratch, words + "whole").exit_code == 0);
  // The first limit is below the size of evaluation.toml, the second below that of the completions.
  for (const int blocks : {1, 2}) {
    const std::string folder = "full" + std::to_string(blocks);
    const Outcome full = run(scratch, words + folder, file_size_limit(blocks));
    INFO(full.error);
    CHECK(full.exit_code == 5);
    CHECK_FALSE(fs::exists(scratch / folder / "completions.jsonl"));
    CHECK_FALSE(fs::exists(scratch / folder / "MANIFEST"));
    REQUIRE(run(scratch, words + folder + " --resume").exit_code == 0);
    CHECK(get_bytes(scratch / folder / "completions.jsonl") == get_bytes(scratch / "whole/completions.jsonl"));
    CHECK_NOTHROW(check_manifest(scratch / folder));
  }
}

TEST_CASE("completions of known status are scored in six languages", "[cli][evaluate][compilers]") {
  if (!can_run()) return;
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  put_completions(scratch, 4);
  const std::string words = "evaluate --completions c.jsonl --benchmark b.jsonl --pass-at 1,2 --cache cache -q -o ";
  const Outcome first = run(scratch, words + "first --jobs 1");
  INFO(first.error);
  REQUIRE(first.exit_code == 0);
  const auto results = lasting_results(scratch / "first/results.jsonl");
  REQUIRE(results.size() == 24);
  for (std::size_t i = 0; i < 24; ++i) {
    INFO(results[i].dump());
    CHECK(results[i]["status"] == std::array{"OK", "Exception", "SyntaxError", "EarlyExit"}[i % 4]);
    CHECK(results[i]["language"] == multipl_moe::name_of(all_languages[i / 4]));
    CHECK(results[i]["sample"] == i % 4);
  }
  std::string expected =
      "benchmark,language,k,pass_at_k,low95,high95,pass_at_k_multipl_e,problems,samples,ok,wrong,syntax_error,timeout,"
      "out_of_memory,output_limit,early_exit,truncated,cannot_pass,first_timeouts\n";
  for (const Language language : all_languages)
    for (const auto& [k, pass, low, high, both] : {std::tuple(1, "0.250000", "0.014635", "0.882090", "0.500000"),
                                                   {2, "0.500000", "0.054621", "0.945379", "0.833333"}})
      expected += "b," + std::string(multipl_moe::name_of(language)) + "," + std::to_string(k) + "," + pass + "," +
                  low + "," + high + "," + both + ",1,4,1,1,1,0,0,0,1,0,0,0\n";
  CHECK(get_bytes(scratch / "first/summary.csv") == expected);
  CHECK(get_bytes(scratch / "first/problems.csv")
            .starts_with("benchmark,language,name,family,level,stratum,n,c\nb,python,add_two,,,,4,1\n"));
  CHECK_NOTHROW(check_manifest(scratch / "first"));
  CHECK_THAT(get_bytes(scratch / "first/evaluation.toml"), ContainsSubstring("sandbox_found = ") &&
                                                               ContainsSubstring("rust_version = \"rustc ") &&
                                                               ContainsSubstring("allow-unsandboxed = false"));

  // The same again, from the cache and in several jobs, and in MultiPL-E's form.
  const Outcome second = run(scratch, words + "second --jobs 4 --export multipl-e --json");
  REQUIRE(second.exit_code == 0);
  CHECK(lasting_results(scratch / "second/results.jsonl") == results);
  CHECK(get_bytes(scratch / "second/summary.csv") == expected);
  for (const nlohmann::json& line : lines_in(scratch / "second/results.jsonl"))
    CHECK(line["cached"] == (line["status"] != "EarlyExit"));
  CHECK(nlohmann::json::parse(second.out).size() == 6);
  const auto exported = nlohmann::json::parse(get_bytes(scratch / "second/multipl-e/add_two.go.results.json"));
  CHECK(exported["language"] == "go_test.go");
  CHECK(exported["results"][0]["status"] == "OK");
  CHECK(exported["results"][3]["status"] == "OK");
  const Outcome back = run(scratch, "evaluate --completions second/multipl-e --cache cache -q -o back --pass-at 1");
  CHECK(back.exit_code == 0);
  CHECK_THAT(get_bytes(scratch / "back/summary.csv"), ContainsSubstring("multipl-e,rust,1,0.250000"));

  // A damaged entry of the cache is run again.
  for (const auto& entry : fs::recursive_directory_iterator(scratch / "cache/results"))
    if (entry.is_regular_file()) put_bytes(entry.path(), "{");
  REQUIRE(run(scratch, words + "third").exit_code == 0);
  CHECK(get_bytes(scratch / "third/summary.csv") == expected);
}

TEST_CASE("a killed evaluation that is resumed equals an undisturbed one", "[cli][evaluate][compilers]") {
  if (!can_run()) return;
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  put_completions(scratch, 4);
  const std::string words = "evaluate --completions c.jsonl --benchmark b.jsonl --languages python,ruby,cpp -q -o ";
  REQUIRE(run(scratch, words + "whole").exit_code == 0);
  const std::vector<std::string> list{"evaluate", "--completions", "c.jsonl",         "--benchmark",
                                      "b.jsonl",  "--languages",   "python,ruby,cpp", "-q",
                                      "-o",       "killed",        "--resume"};
  int kills = 0;
  std::size_t most_saved = 0;
  for (const int wait : {2500, 3500, 4000, 4500}) {
    const ::pid_t child = start(scratch, list);
    std::this_thread::sleep_for(std::chrono::milliseconds(wait));
    ::kill(child, kills % 2 == 0 ? SIGTERM : SIGKILL);
    kills += wait_for(child) == 0 ? 0 : 1;
    if (fs::exists(scratch / "killed/.results.jsonl"))
      most_saved = (std::max)(most_saved, get_bytes(scratch / "killed/.results.jsonl").size());
  }
  INFO(kills << " kills, at most " << most_saved << " bytes of results saved before");
  REQUIRE(run(scratch, words + "killed --resume").exit_code == 0);
  CHECK(lasting_results(scratch / "killed/results.jsonl") == lasting_results(scratch / "whole/results.jsonl"));
  for (const char* name : {"summary.csv", "problems.csv", "completions.jsonl"})
    CHECK(get_bytes(scratch / "killed" / name) == get_bytes(scratch / "whole" / name));
  CHECK_NOTHROW(check_manifest(scratch / "killed"));
}

TEST_CASE("a random model is scored, and a benchmark is checked", "[cli][evaluate][compilers]") {
  if (!can_run()) return;
  const ScratchFolder scratch;
  put_model_and_benchmark(scratch);
  const Outcome scored =
      run(scratch,
          "evaluate --model model --benchmark b.jsonl --max-new-tokens 30 --languages python,cpp --prompt stripped "
          "-o out");
  INFO(scored.error);
  REQUIRE(scored.exit_code == 0);
  CHECK_THAT(scored.out, ContainsSubstring("pass@1") && ContainsSubstring("C++"));
  CHECK(lines_in(scratch / "out/results.jsonl").size() == 2);
  const Outcome checked = run(scratch, "evaluate --check --benchmark b.jsonl --languages python,cpp --json -q");
  REQUIRE(checked.exit_code == 0);
  const auto json = nlohmann::json::parse(checked.out);
  CHECK(json["solvability"].size() == 2);
  CHECK(json["solvability"][0]["cannot_pass"] == 0);
  CHECK(json["faults"].empty());
  const Outcome machine = run(scratch, "evaluate --check --languages ruby --sandbox none --allow-unsandboxed");
  INFO(machine.error);
  CHECK(machine.exit_code == 0);
  CHECK_THAT(machine.out, ContainsSubstring("self-test: Ruby passed now"));
  CHECK_THAT(machine.error, ContainsSubstring("warning: --sandbox none"));
}

}  // namespace evaluate_test
