#include "bench/learn/record.hpp"

#include <cmath>

#include "learn_samples.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace record_test {

using namespace moe_bench;
using namespace moe_bench::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

std::string run_text(const std::string& strategy) {
  return line_of(sample_step(strategy, 0, 5)) + line_of(sample_step(strategy, 0, 10)) +
         line_of(sample_result(strategy, 0, 2.5));
}
std::string whole_text() { return line_of(sample_setup()) + run_text("one") + run_text("two"); }

}  // namespace

TEST_CASE("a record of version 0.1 is read", "[bench][learn]") {
  std::string before = line_of(sample_setup()) + run_text("batch-prioritised");
  const std::size_t key = before.find("batch_invariant");
  REQUIRE(key != before.npos);
  before.replace(key, std::string("batch_invariant").size(), "batch_independent");
  const std::size_t tokens = before.find("\"tokenizer\""), layers = before.find("\"layers\"");
  REQUIRE((tokens != before.npos && tokens < layers));
  before.erase(tokens, layers - tokens);
  const Record record = parse_record(before, "learn.jsonl");
  CHECK(record.steps.at(0).strategy == "batch-prioritized");
  CHECK(record.setup == sample_setup());
  CHECK(record.results.at(0).strategy == "batch-prioritized");
  CHECK(record.results.at(0).batch_invariant == sample_result("one", 0, 2.5).batch_invariant);
}

TEST_CASE("a written record of a study reads back equal", "[bench][learn]") {
  const Record record = parse_record(whole_text(), "learn.jsonl");
  CHECK(record.setup == sample_setup());
  REQUIRE(record.steps.size() == 4);
  REQUIRE(record.results.size() == 2);
  CHECK(finished_lines(record) == whole_text());
  const StepLine& step = record.steps[1];
  CHECK(step.step == 10);
  CHECK(step.held_out == 3.25);
  CHECK(step.levels.front().load == std::vector<std::int64_t>{3, 1});
  CHECK(step.levels.front().peak == 1.5);
  const ResultLine& result = record.results.back();
  CHECK(result.strategy == "two");
  CHECK(result.mean_bits_per_byte() == 2.5);
  CHECK(result.tokens_per_second() == 500);
  CHECK(is_finished(record, "one", 0));
  CHECK_FALSE(is_finished(record, "one", 1));
  CHECK_FALSE(is_finished(record, "three", 0));
}

TEST_CASE("non-finite numbers can be written and read back", "[bench][learn]") {
  StepLine step = sample_step("one", 0, 5);
  step.held_out = step.loss = NAN;
  const std::string text = line_of(sample_setup()) + line_of(step);
  CHECK_THAT(text, ContainsSubstring("\"held_out\":null"));
  const Record record = parse_record(text, "learn.jsonl");
  CHECK(std::isnan(record.steps.front().held_out));
  CHECK(std::isnan(record.steps.front().loss));
}

TEST_CASE("a truncated last line is ignored", "[bench][learn]") {
  const std::string text = whole_text();
  const std::size_t last_line = text.rfind('\n', text.size() - 2) + 1;
  for (std::size_t size = last_line; size < text.size(); size += 7) {
    const Record record = parse_record(text.substr(0, size), "learn.jsonl");
    CHECK(record.steps.size() == 4);
    CHECK(record.results.size() == 1);
    // The lines of the unfinished run are removed too.
    CHECK(finished_lines(record) == line_of(sample_setup()) + run_text("one"));
  }
}

TEST_CASE("any other invalid line is rejected with its position", "[bench][learn]") {
  const std::string setup = line_of(sample_setup()), step = line_of(sample_step("one", 0, 5));
  const auto fault_of = [](const std::string& text) {
    try {
      parse_record(text, "learn.jsonl");
    } catch (const multipl_moe::BadFile& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK_THAT(fault_of(""), ContainsSubstring("learn.jsonl"));
  CHECK_THAT(fault_of(setup.substr(0, 20)), ContainsSubstring("no complete line"));
  CHECK_THAT(fault_of(step + setup), ContainsSubstring("setup must be the first line"));
  CHECK_THAT(fault_of(setup + setup), ContainsSubstring("no other"));
  CHECK_THAT(fault_of(setup + step.substr(0, 30) + "\n" + step), ContainsSubstring(std::to_string(setup.size())));
  CHECK_THAT(fault_of(setup + "{\"type\":\"other\"}\n"), ContainsSubstring("other"));
  CHECK_THAT(fault_of(setup + "{\"type\":\"step\"}\n"), ContainsSubstring("strategy"));
  CHECK_THAT(fault_of(setup + "3\n"), ContainsSubstring("learn.jsonl"));
}

}  // namespace record_test
