#include "bench/learn/summary.hpp"

#include <cmath>

#include "learn_samples.hpp"
#include "support/catch.hpp"

namespace summary_test {

using namespace moe_bench;
using namespace moe_bench::testing;
using Catch::Approx;

namespace {

/// Adds a run of one seed with `bits` bits per byte and a thousand tokens in `seconds` seconds.
void add_run(Record& record, const std::string& strategy, std::int64_t seed, double bits, double seconds) {
  ResultLine result = sample_result(strategy, seed, bits);
  result.seconds = seconds;
  record.results.push_back(result);
  for (const std::int64_t step : {5, 10}) {
    StepLine line = sample_step(strategy, seed, step);
    line.seconds = seconds * static_cast<double>(step) / 10;
    line.held_out = bits + 0.1 * static_cast<double>(10 - step);
    record.steps.push_back(line);
  }
}

}  // namespace

TEST_CASE("mean and deviation are those of a sample", "[bench][learn]") {
  const Statistic three = statistic_of({2, 4, 9});
  CHECK(three.mean == 5);
  CHECK(three.deviation == Approx(std::sqrt(13.0)));
  CHECK(three.count == 3);
  CHECK(statistic_of({7}).mean == 7);
  CHECK(std::isnan(statistic_of({7}).deviation));
  CHECK(std::isnan(statistic_of({}).mean));
}

TEST_CASE("a strategy's figures are means over its seeds", "[bench][learn]") {
  Record record{sample_setup(), {}, {}};
  add_run(record, "one", 1, 2.0, 4);
  add_run(record, "one", 0, 3.0, 2);
  add_run(record, "two", 0, 2.75, 1);
  const auto summaries = summaries_of(record);
  REQUIRE(summaries.size() == 2);
  const StrategySummary& one = summaries.front();
  CHECK(one.name == "one");
  CHECK(one.routing == "how one routes");
  CHECK(one.seeds == std::vector<std::int64_t>{0, 1});
  CHECK(one.bits_per_byte_by_seed == std::vector<double>{3, 2});
  CHECK(one.bits_per_byte.mean == 2.5);
  CHECK(one.bits_per_byte.deviation == Approx(std::sqrt(0.5)));
  CHECK(one.tokens_per_second.mean == 375);
  REQUIRE(one.bits_per_byte_by_language.size() == 2);
  CHECK(one.bits_per_byte_by_language.back().first == "go");
  CHECK(one.bits_per_byte_by_language.back().second.mean == 3.0);
  REQUIRE(one.curve.size() == 2);
  CHECK(one.curve.front().tokens == 500);
  CHECK(one.curve.front().seconds == 1.5);
  CHECK(one.curve.front().held_out.mean == 3.0);
  CHECK(one.curve.back().held_out.mean == 2.5);

  CHECK(seeds_won(summaries[1], one) == std::pair(1, 1));
  CHECK(ranked(summaries).front().name == "one");
}

TEST_CASE("routing is summarized over the second half of training", "[bench][learn]") {
  Record record{sample_setup(), {}, {}};
  add_run(record, "one", 0, 2, 1);
  record.steps.front().levels.front().peak = 100;
  record.steps.front().levels.front().load = {1, 3};
  const StrategySummary one = summaries_of(record).front();
  CHECK(one.peak == 1.5);
  CHECK(one.dropped == 0.2);
  CHECK(one.unserved == 0.25);
  CHECK(one.met == 0.5);
  REQUIRE(one.levels.size() == 1);
  CHECK(one.levels.front().steps == std::vector<std::int64_t>{5, 10});
  CHECK(one.levels.front().load_SE == std::vector<std::vector<double>>{{0.5, 1.5}, {1.5, 0.5}});
}

TEST_CASE("loads over time are those of one seed", "[bench][learn]") {
  Record record{sample_setup(), {}, {}};
  add_run(record, "one", 0, 2, 1);
  add_run(record, "one", 1, 2, 1);
  for (StepLine& step : record.steps)
    if (step.seed == 1) step.levels.front().load = {0, 4};
  CHECK(summaries_of(record).front().levels.front().load_SE ==
        std::vector<std::vector<double>>{{1.5, 0.5}, {1.5, 0.5}});
}

TEST_CASE("an expert that processes every row in every step is not an imbalance, a collapse is", "[bench][learn]") {
  Record record{sample_setup(), {}, {}};
  add_run(record, "shared", 0, 2, 1);
  for (StepLine& step : record.steps) step.levels = {{0, "token", 4, 8, 8, 0, {4, 3, 1}, 1.5, 1.25}};
  CHECK(summaries_of(record).front().peak == 1.25);
  record.steps.front().levels.front().load = {3, 3, 2};
  CHECK(summaries_of(record).front().peak == 1.5);
  for (StepLine& step : record.steps) step.levels = {{0, "token", 4, 4, 4, 0, {4, 0, 0}, 3, 1}};
  CHECK(summaries_of(record).front().peak == 3);
}

TEST_CASE("runs that failed have no figures", "[bench][learn]") {
  Record record{sample_setup(), {}, {}};
  add_run(record, "one", 0, 2, 1);
  record.results.front().failure = "not finite";
  record.results.front().bits_per_byte.clear();
  const auto summaries = summaries_of(record);
  REQUIRE(summaries.size() == 1);
  CHECK_FALSE(summaries.front().has_figures());
  CHECK(summaries.front().failures == std::vector<std::string>{"not finite"});
  CHECK(ranked(summaries).empty());
}

TEST_CASE("at equal time the curve is interpolated between its points and never extrapolated", "[bench][learn]") {
  Record record{sample_setup(), {}, {}};
  add_run(record, "one", 0, 2, 10);
  const StrategySummary one = summaries_of(record).front();
  CHECK(held_out_at(one, 7.5).value() == Approx(2.25));
  CHECK(held_out_at(one, 5).value() == 2.5);
  CHECK(held_out_at(one, 10).value() == 2);
  CHECK_FALSE(held_out_at(one, 4));
  CHECK_FALSE(held_out_at(one, 11));
}

TEST_CASE("a strategy is worth its cost if no other one beats it in both speed and loss", "[bench][learn]") {
  Record record{sample_setup(), {}, {}};
  add_run(record, "slow and good", 0, 2.0, 4);
  add_run(record, "slower and worse", 0, 2.5, 5);
  add_run(record, "fast and bad", 0, 3.0, 1);
  add_run(record, "as bad but slower", 0, 3.0, 2);
  CHECK(worth_their_cost(summaries_of(record)) == std::vector<std::string>{"fast and bad", "slow and good"});
}

}  // namespace summary_test
