/// Every command that needs much memory checks the free memory first. If there is too little, it prints an error with
/// numbers, exits with 4 and starts nothing. A real limit would be that of a control group; MOE_MEMORY_LIMIT is read in
/// the same place.
#include <regex>

#include "measured.hpp"
#include "support/catch.hpp"
#include "support/dropped_from_cache.hpp"
#include "support/slow_build.hpp"

namespace memory_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using moe::testing::dropped_from_cache;
using moe::testing::is_slow_build;

namespace {

/// Less than any process of the program needs.
constexpr const char* no_memory = "MOE_MEMORY_LIMIT=1MB";

void check_refused(const ScratchFolder& scratch, const std::string& words, const std::string& where) {
  const Outcome outcome = run(scratch, words, no_memory);
  INFO(words << "\n" << outcome.error);
  CHECK(outcome.exit_code == 4);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.error, ContainsSubstring("[" + where + "] memory must hold ") &&
                                ContainsSubstring(" together, ") && ContainsSubstring("found 0 KiB free"));
  CHECK_FALSE(std::filesystem::exists(scratch / "out"));
}

/// The value of `about 12.5 MiB together` in the error message, in bytes.
double planned_bytes(const ScratchFolder& scratch, const std::string& words) {
  const std::string error = run(scratch, words, no_memory).error;
  std::smatch found;
  INFO(error);
  REQUIRE(std::regex_search(error, found, std::regex("about ([0-9.]+) MiB together")));
  return std::stod(found[1]) * (1 << 20);
}

/// Writes wide.json, whose model's weights take most of a command's memory.
void put_wide_config(const ScratchFolder& scratch, int layers) {
  put_bytes(scratch / "wide.json",
            R"({"model_type": "qwen2", "hidden_size": 512, "intermediate_size": 1024, "num_hidden_layers": )" +
                std::to_string(layers) + R"(, "num_attention_heads": 2, "num_key_value_heads": 2,
                "vocab_size": 20000})");
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

}  // namespace

TEST_CASE("a command that needs more memory than is free exits with 4 and starts nothing", "[cli][memory]") {
  const ScratchFolder scratch;
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --config-json tiny.json -o m -q").exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model m -o moe -q").exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model m --arch lora -o lora -q").exit_code == 0);
  put_bytes(scratch / "prompts", "\"a\"\n\"b\"\n");
  put_bytes(scratch / "large", std::string(std::size_t{3} << 20, 'a'));

  check_refused(scratch, "generate --model m --prompt fn", "generate");
  check_refused(scratch, "generate --model moe --prompts-file prompts", "generate");
  check_refused(scratch, "generate --model m --prompt - < large", "generate");
  check_refused(scratch, "eval --model m --data data", "eval");
  check_refused(scratch, "trace --model moe --data data -o out", "trace");
  check_refused(scratch, "merge --model lora -o out", "merge");
  check_refused(scratch, "upcycle --model m -o out", "upcycle");
  check_refused(scratch, "train --model m --data data -o out", "train");
  check_refused(scratch, "pretrain --config-json tiny.json --data data -o out", "pretrain");
  check_refused(scratch, "demo --corpus '" MOE_TEST_CORPUS "' -o out", "demo");
  check_refused(scratch, "tokenizer train '" MOE_TEST_CORPUS "' -o out", "tokenizer train");
  check_refused(scratch, "tokenizer encode --model m < large", "tokenizer encode");
  check_refused(scratch, "tokenizer decode --model m < large", "tokenizer decode");
  REQUIRE(run(scratch, "pretrain --config-json tiny.json --data data --steps 2 -q -o run").exit_code == 0);
  check_refused(scratch, "report --run run -o out", "report");

  CHECK(run(scratch, "generate --model m --prompt fn --max-new-tokens 2", "MOE_MEMORY_LIMIT=1GB").exit_code == 0);
  const Outcome wrong = run(scratch, "generate --model m --prompt fn", "MOE_MEMORY_LIMIT=plenty");
  CHECK(wrong.exit_code == 2);
  CHECK_THAT(wrong.error, ContainsSubstring("MOE_MEMORY_LIMIT") && ContainsSubstring("plenty"));
}

TEST_CASE("free memory is checked before copies of the weights are made", "[cli][memory]") {
  if (is_slow_build) {
    WARN("skipped: the sanitizer's own memory would count towards the limit");
    return;
  }
  const ScratchFolder scratch;
  put_wide_config(scratch, 2);
  REQUIRE(run(scratch, "make-checkpoint --config-json wide.json -o half -q").exit_code == 0);
  REQUIRE(run(scratch, "export --model half --dtype float32 -o whole").exit_code == 0);
  // 97 MiB of weights, whose values are all exact in bfloat16, and 29 MiB of copies.
  const std::string line = "generate --model whole --prompt a --max-new-tokens 1 -q";
  const Outcome outcome = run(scratch, line + " --weights bfloat16", "MOE_MEMORY_LIMIT=125MiB");
  CHECK(outcome.exit_code == 4);
  CHECK_THAT(outcome.error, ContainsSubstring("copies of them in bfloat16") && ContainsSubstring("--weights stored"));
  CHECK(run(scratch, line + " --weights float32", "MOE_MEMORY_LIMIT=125MiB").exit_code == 0);
  // With "auto" the weights stay in the file.
  CHECK(run(scratch, line, "MOE_MEMORY_LIMIT=125MiB").exit_code == 0);
}

TEST_CASE("weights that stay in the file take no memory of the process", "[cli][memory]") {
  if (is_slow_build) {
    WARN("skipped: the sanitizer's own memory would be measured");
    return;
  }
  const ScratchFolder scratch;
  put_wide_config(scratch, 2);
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data --test-fraction 0.4").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --config-json wide.json -o m -q").exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model m -o moe -q").exit_code == 0);
  const std::string eval = "eval --model moe --data data --batch-size 1 --sequence-length 64 --max-bytes 130 --json ";
  const std::string generate = "generate --model moe --prompt fn --max-new-tokens 4 --temperature 0 -q ";
  for (const std::string& line : {eval, generate}) {
    const Measured loaded = measured(scratch, words_of(line + "--weights float32"));
    const Measured stored = measured(scratch, words_of(line + "--weights stored"));
    INFO(line << loaded.anonymous_kilobytes << " and " << stored.anonymous_kilobytes << " kB" << stored.outcome.error);
    CHECK(stored.outcome.exit_code == 0);
    CHECK(stored.outcome.out == loaded.outcome.out);
    // 240 MB of weights in float32.
    CHECK(loaded.anonymous_kilobytes > 200'000);
    CHECK(stored.anonymous_kilobytes < 12'000);
    // "auto" is stored where float32 would take most of the free memory, and says so.
    const Outcome limited = run(scratch, line, "MOE_MEMORY_LIMIT=300MB");
    CHECK(limited.exit_code == 0);
    CHECK(limited.out == loaded.outcome.out);
    if (line == eval)
      CHECK_THAT(limited.error, ContainsSubstring("note: the weights are read in the files, since they take "));
    CHECK(run(scratch, line + "--weights float32", "MOE_MEMORY_LIMIT=200MB").exit_code == 4);
  }
}

TEST_CASE("a note says what it costs if memory cannot cache the files of the weights", "[cli][memory]") {
  if (is_slow_build) {
    WARN("skipped: the sanitizer's own memory would count towards the limit");
    return;
  }
  const ScratchFolder scratch;
  put_wide_config(scratch, 1);
  REQUIRE(run(scratch, "make-checkpoint --config-json wide.json -o m -q").exit_code == 0);
  const std::filesystem::path file = scratch / "m/model.safetensors";
  if (!dropped_from_cache(file)) {
    WARN("skipped: the file system keeps its files in memory");
    return;
  }
  const std::string line = "generate --model m --prompt fn --max-new-tokens 1 --weights stored";
  const Outcome tight = run(scratch, line, "MOE_MEMORY_LIMIT=30MB");
  CHECK(tight.exit_code == 0);
  CHECK_THAT(tight.error, ContainsSubstring("note: memory can cache ") &&
                              ContainsSubstring(" MiB of the model's files; a token that is decoded reads about ") &&
                              ContainsSubstring(" from the disk at "));
  // With enough memory the file is read ahead.
  REQUIRE(dropped_from_cache(file));
  CHECK_THAT(run(scratch, line).error, !ContainsSubstring("note: memory"));
  const Outcome quiet = run(scratch, line + " -q");
  CHECK(quiet.error.empty());
}

TEST_CASE("the memory that a command uses is close to the planned memory", "[cli][memory]") {
  if (is_slow_build) {
    WARN("skipped: the sanitizer's own memory would be measured");
    return;
  }
  const ScratchFolder scratch;
  // In one model the weights take most of the memory, in the other the pass over a batch.
  put_bytes(scratch / "wide.json",
            R"({"model_type": "qwen2", "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 2,
                "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": 16384})");
  put_bytes(scratch / "narrow.json",
            R"({"model_type": "qwen2", "hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 1,
                "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 257})");
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data --test-fraction 0.4").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --config-json wide.json -o m -q").exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model m -o moe -q").exit_code == 0);
  REQUIRE(run(scratch, "make-checkpoint --config-json narrow.json -o narrow -q").exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model narrow -o narrow-moe -q").exit_code == 0);
  // The memory of the program itself, after a small computation.
  const double before = 1024.0 * static_cast<double>(measured(scratch, words_of("eval --model narrow --data data "
                                                                                "--batch-size 1 --sequence-length 16 "
                                                                                "--max-bytes 40"))
                                                         .kilobytes);
  const auto check = [&](const std::string& line) {
    const double planned = before + planned_bytes(scratch, line);
    const Measured taken = measured(scratch, words_of(line), 120);
    INFO(line << "\nplanned " << planned << ", found " << 1024.0 * static_cast<double>(taken.kilobytes));
    REQUIRE(taken.outcome.exit_code == 0);
    CHECK(1024.0 * static_cast<double>(taken.kilobytes) < 1.2 * planned);
    CHECK(1024.0 * static_cast<double>(taken.kilobytes) > 0.8 * planned);
  };
  check("generate --model m --prompt fn --max-new-tokens 4 --weights bfloat16 -q");
  check("generate --model m --prompt fn --max-new-tokens 4 --weights int8 -q");
  check("generate --model moe --prompt fn --max-new-tokens 4 --weights float32 -q");
  check("eval --model narrow --data data --batch-size 8 --sequence-length 256 --max-bytes 2060 --weights float32");
  check("eval --model narrow --data data --batch-size 8 --sequence-length 512 --max-bytes 4110 --weights float32");
  check(
      "trace --model narrow-moe --data data --batch-size 4 --sequence-length 256 --tokens 1024 --weights float32 -o "
      "out");
}

}  // namespace memory_test
