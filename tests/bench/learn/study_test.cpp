/// The commands learn and report, run as programs.
#include <cmath>
#include <filesystem>
#include <string>

#include "bench/learn/record.hpp"
#include "bench/learn/study.hpp"
#include "bench/shell.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "multipl_moe/report/gnuplot.hpp"
#include "support/catch.hpp"

namespace study_test {

using namespace moe_bench;
using Catch::Matchers::ContainsSubstring;
using moe_bench::testing::Outcome;
using moe_bench::testing::run_shell;
using multipl_moe::testing::get_bytes;
using multipl_moe::testing::put_bytes;
using multipl_moe::testing::ScratchFolder;

namespace {

/// Runs a shell command; returns all that it prints.
Outcome run(const std::string& words) { return run_shell(words + " 2>&1"); }

/// A folder with prepared data, and the commands that run on it.
class Place {
 public:
  Place() {
    const Outcome made = run("'" MULTIPL_MOE_BINARY "' prepare '" MOE_TEST_CORPUS "' --output '" + data() + "'");
    INFO(made.text);
    REQUIRE(made.exit_code == 0);
  }
  std::string data() const { return (scratch_ / "data").native(); }
  std::filesystem::path record() const { return scratch_ / "study/learn.jsonl"; }
  std::filesystem::path pages() const { return scratch_ / "pages"; }

  Outcome learn(const std::string& words) const {
    return run("'" MOE_BENCH_BINARY "' learn --data '" + data() + "' --out '" + (scratch_ / "study").native() +
               "' --batch-size 2 --sequence-length 64 --experts 4 --curve-bytes 256 --test-bytes 256 --threads 2 " +
               words);
  }
  Outcome report(const std::string& words = {}) const {
    return run("'" MOE_BENCH_BINARY "' report --from '" + (scratch_ / "study").native() + "' --out '" +
               pages().native() + "' " + words);
  }

 private:
  ScratchFolder scratch_;
};

const std::string two = "--steps 2 --seeds 1 --strategies random,hash ";

/// The record without times, which differ between runs.
std::string without_times(Record record) {
  for (StepLine& step : record.steps) step.seconds = 0;
  for (ResultLine& result : record.results) result.seconds = 0;
  return finished_lines(record);
}

}  // namespace

TEST_CASE("a study of two strategies records every step and every result", "[bench][learn]") {
  const Place place;
  const Outcome outcome = place.learn(two);
  INFO(outcome.text);
  REQUIRE(outcome.exit_code == 0);
  CHECK_THAT(outcome.text, ContainsSubstring("1 of 2: random, seed 0") && ContainsSubstring("2 of 2: hash, seed 0"));
  const Record record = read_record(place.record());
  CHECK(record.setup.steps == 2);
  CHECK(record.setup.experts == 4);
  CHECK(record.setup.languages.size() == 6);
  CHECK(record.setup.train_tokens > 0);
  REQUIRE(record.results.size() == 2);
  REQUIRE(record.steps.size() == 4);
  for (const ResultLine& result : record.results) {
    CHECK(result.steps == 2);
    CHECK(result.tokens == 2 * 2 * 64);
    CHECK(result.seconds > 0);
    CHECK(result.parameters > 500'000);
    CHECK(result.bits_per_byte.size() == 6);
    // An untrained model has 8.01 bits per byte; two steps of training lower it a little.
    CHECK(result.mean_bits_per_byte() < 8.1);
    CHECK(result.mean_bits_per_byte() > 3);
  }
  for (const StepLine& step : record.steps) {
    CHECK(step.tokens == step.step * 2 * 64);
    CHECK(std::isfinite(step.held_out));
    REQUIRE(step.levels.size() == 2);
    for (const LevelLoad& level : step.levels) {
      CHECK(level.rows == 2 * 64);
      CHECK(level.kept == 2 * level.rows);
      CHECK(level.load.size() == 4);
    }
  }
  // With one seed, random routing draws other experts in the second step than in the first.
  CHECK(record.steps[0].levels.front().load != record.steps[1].levels.front().load);

  const Outcome page = place.report();
  INFO(page.text);
  REQUIRE(page.exit_code == 0);
  CHECK_THAT(get_bytes(place.pages() / "routing.md"),
             ContainsSubstring("`random`") && ContainsSubstring("`hash`") &&
                 ContainsSubstring("moe_bench learn --data DATA --strategies random,hash --steps 2 --seeds 1 "
                                   "--experts 4 --choices 2 --batch-size 2 \\\n"
                                   "  --sequence-length 64 --curve-bytes 256 --test-bytes 256 --threads 2 "
                                   "--out STUDY\n") &&
                 !ContainsSubstring("--learning-rate"));
  const Outcome without = place.report("--tokenizer-trained CORPUS");
  CHECK(without.exit_code == 2);
  CHECK_THAT(without.text, ContainsSubstring("--tokenizer-trained needs a study with a tokenizer"));
  for (const char* name : {"results", "learning_by_tokens", "learning_by_seconds", "loads"})
    for (const char* extension : {".gp", ".svg", ".png"})
      if (std::string(extension) == ".gp" || multipl_moe::find_program("gnuplot"))
        CHECK(std::filesystem::file_size(place.pages() / "routing" / (std::string(name) + extension)) > 500);
  CHECK_THAT(page.text, !ContainsSubstring("cannot draw"));
}

TEST_CASE("an interrupted study continues where it stopped and repeats nothing", "[bench][learn]") {
  const Place place;
  REQUIRE(place.learn(two).exit_code == 0);
  const std::string whole = get_bytes(place.record());
  const Outcome again = place.learn(two);
  CHECK(again.exit_code == 0);
  CHECK(again.text.empty());
  CHECK(get_bytes(place.record()) == whole);

  // Cut in the middle of the second run's first line.
  const std::size_t first_run = whole.find('\n', whole.find("\"type\":\"result\"")) + 1;
  put_bytes(place.record(), whole.substr(0, first_run + 40));
  const Outcome resumed = place.learn(two);
  INFO(resumed.text);
  REQUIRE(resumed.exit_code == 0);
  CHECK_THAT(resumed.text, ContainsSubstring("hash") && !ContainsSubstring("random, seed"));
  const std::string mended = get_bytes(place.record());
  CHECK(mended.substr(0, first_run) == whole.substr(0, first_run));
  CHECK(without_times(parse_record(mended, "mended")) == without_times(parse_record(whole, "whole")));

  CHECK(place.learn("--steps 2 --seeds 2 --strategies random").exit_code == 0);
  CHECK(read_record(place.record()).results.size() == 3);
  CHECK(is_finished(read_record(place.record()), "random", 1));
}

TEST_CASE("a study rejects another setup, unknown names and files that are not a study", "[bench][learn]") {
  const Place place;
  REQUIRE(place.learn("--steps 1 --seeds 1 --strategies hash").exit_code == 0);
  const Outcome other = place.learn("--steps 2 --seeds 1 --strategies hash");
  CHECK(other.exit_code == 2);
  CHECK_THAT(other.text, ContainsSubstring("must have the same setup"));
  const Outcome unknown = place.learn("--strategies hash,nobody");
  CHECK(unknown.exit_code == 2);
  CHECK_THAT(unknown.text, ContainsSubstring("nobody") && ContainsSubstring("random"));
  CHECK(place.learn("--choices 5").exit_code == 2);
  CHECK(run("'" MOE_BENCH_BINARY "' learn --data /nowhere --out '" + (place.pages()).native() + "'").exit_code == 3);
  put_bytes(place.record(), "{}\n");
  CHECK(place.report().exit_code == 3);
  CHECK(place.learn("--steps 1").exit_code == 3);
}

TEST_CASE("a study reads the tokens of a tokenizer, and refuses those of another", "[bench][learn]") {
  const Place place;
  const std::string tokenizer = (place.pages() / "tokenizer").native(), program = "'" MULTIPL_MOE_BINARY "' ";
  REQUIRE(run(program + "tokenizer train '" MOE_TEST_CORPUS "' --vocab-size 300 -o '" + tokenizer + "'").exit_code ==
          0);
  const std::string words = "--steps 2 --seeds 1 --strategies hash --tokenizer '" + tokenizer + "'";
  const Outcome other = place.learn(words);
  CHECK(other.exit_code == 3);
  CHECK_THAT(other.text, ContainsSubstring("found that of bytes (257 tokens); give no --tokenizer"));
  REQUIRE(run(program + "prepare '" MOE_TEST_CORPUS "' --tokenizer '" + tokenizer + "' --output '" + place.data() + "'")
              .exit_code == 0);
  for (const char* strategies : {"hash,line-segment", "all"}) {
    const Outcome cut =
        place.learn("--steps 2 --strategies " + std::string(strategies) + " --tokenizer '" + tokenizer + "'");
    CHECK(cut.exit_code == 2);
    CHECK_THAT(cut.text, ContainsSubstring("line-segment cuts after the byte of a line end, and with --tokenizer"));
  }
  const Outcome outcome = place.learn(words);
  INFO(outcome.text);
  REQUIRE(outcome.exit_code == 0);
  const Record record = read_record(place.record());
  CHECK(record.setup.vocabulary == 300);
  CHECK(record.setup.tokenizer == tokenizer);
  REQUIRE(record.results.size() == 1);
  // A token has more than one byte: of an untrained model's log2(300) bits a token, a byte has less.
  CHECK(record.results.front().mean_bits_per_byte() < 7.5);
  REQUIRE(place.report("--tokenizer-trained 'CORPUS --vocab-size 300' --without-times").exit_code == 0);
  CHECK_THAT(get_bytes(place.pages() / "routing.md"),
             ContainsSubstring("a tokenizer of 300 tokens") && ContainsSubstring("--tokenizer " + tokenizer) &&
                 ContainsSubstring("multipl_moe tokenizer train CORPUS --vocab-size 300") &&
                 ContainsSubstring("--without-times") && !ContainsSubstring("tokens/s"));
}

TEST_CASE("strategies of a study read the texts of the tokenizer's tokens", "[bench][learn]") {
  const ScratchFolder scratch;
  const std::string tokenizer = (scratch / "tokenizer").native();
  REQUIRE(run("'" MULTIPL_MOE_BINARY "' tokenizer train '" MOE_TEST_CORPUS "' --vocab-size 400 -o '" + tokenizer + "'")
              .exit_code == 0);
  StudyOptions options;
  options.tokenizer = multipl_moe::read_tokenizer(tokenizer);
  const Sizes sizes = sizes_of(options);
  REQUIRE(sizes.texts.size() == 400);
  for (const multipl_moe::Token token : options.tokenizer->encode("f(x) {\n    return x;\n}"))
    CHECK(sizes.texts[static_cast<std::size_t>(token)] == options.tokenizer->decode({&token, 1}));
  CHECK(sizes.texts[static_cast<std::size_t>(options.tokenizer->end_of_text())].empty());
}

TEST_CASE("the experts of a row together have the width of the demo's FFN", "[bench][learn]") {
  for (const std::int64_t choices : {1, 2, 4}) {
    StudyOptions options;
    options.tokenizer = multipl_moe::byte_tokenizer();
    options.choices = choices;
    CHECK(sizes_of(options).hidden * choices == 344);
    CHECK(sizes_of(options).width == 128);
  }
}

}  // namespace study_test
