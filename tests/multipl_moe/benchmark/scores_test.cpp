#include "multipl_moe/benchmark/scores.hpp"

#include <nlohmann/json.hpp>

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace benchmark_scores_test {

using namespace multipl_moe;
using namespace multipl_moe::benchmark;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<Problem> problems() {
  Problem a{"a", Language::python, "p", "t"}, b{"b,\"x\"", Language::python, "p", "t"},
      c{"c", Language::ruby, "p", "t"};
  for (Problem* problem : {&a, &b, &c}) problem->benchmark = "small";
  a.family = "fold";
  a.level = "2";
  a.stratum = "nowhere";
  return {a, b, c};
}

Scored scored(std::size_t problem, std::int64_t sample, Status status, std::string reason = "stop", int runs = 1) {
  Scored made{{problem, sample, "x", std::move(reason), 5}, "00ff", {}};
  made.executed.result.status = status;
  made.executed.result.runs = runs;
  return made;
}

std::vector<Scored> samples() {
  return {scored(0, 0, Status::ok),         scored(0, 1, Status::exception, "length"),
          scored(1, 0, Status::early_exit), scored(1, 1, Status::timeout, "stop", 2),
          scored(2, 0, Status::signal),     scored(2, 1, Status::syntax_error)};
}

}  // namespace

TEST_CASE("scores are means over problems, with MultiPL-E's number beside", "[benchmark][scores]") {
  const auto all = problems();
  const auto scores = scores_of(all, samples(), std::vector<std::int64_t>{1, 2}, {false, false, true});
  REQUIRE(scores.size() == 2);
  CHECK(scores[0].pass_at[0].pass == Approx(0.25));
  CHECK(scores[0].pass_at[0].pass_multipl_e == Approx(0.5));
  CHECK(scores[0].pass_at[1].pass == Approx(0.5));
  CHECK(scores[0].pass_at[1].pass_multipl_e == 1);
  CHECK(scores[0].problems == 2);
  CHECK(scores[0].samples == 4);
  CHECK(scores[0].truncated == 1);
  CHECK(scores[0].first_timeouts == 1);
  CHECK(scores[1].language == Language::ruby);
  CHECK(scores[1].pass_at[0].pass == 0);
  CHECK(scores[1].cannot_pass == 1);
  CHECK_THROWS_AS(scores_of(all, samples(), std::vector<std::int64_t>{3}, {false, false, false}), UsageError);
}

TEST_CASE("the files of scores", "[benchmark][scores]") {
  const auto all = problems();
  const auto scores = scores_of(all, samples(), std::vector<std::int64_t>{2}, {false, false, true});
  CHECK(
      summary_csv(scores) ==
      "benchmark,language,k,pass_at_k,low95,high95,pass_at_k_multipl_e,problems,samples,ok,wrong,syntax_error,timeout,"
      "out_of_memory,output_limit,early_exit,truncated,cannot_pass,first_timeouts\n"
      "small,python,2,0.500000,0.094531,0.905469,1.000000,2,4,1,1,0,1,0,0,1,1,0,1\n"
      "small,ruby,2,0.000000,0.000000,0.793451,0.000000,1,2,0,1,1,0,0,0,0,0,1,0\n");
  CHECK(problems_csv(all, samples()) ==
        "benchmark,language,name,family,level,stratum,n,c\n"
        "small,python,a,fold,2,nowhere,2,1\n"
        "small,python,\"b,\"\"x\"\"\",,,,2,0\n"
        "small,ruby,c,,,,2,0\n");
  const auto line = nlohmann::json::parse(result_line(samples()[3], all[1]));
  CHECK(line["name"] == "b,\"x\"");
  CHECK(line["language"] == "python");
  CHECK(line["sample"] == 1);
  CHECK(line["status"] == "Timeout");
  CHECK(line["runs"] == 2);
  CHECK(line["program_hash"] == "00ff");
  CHECK(line["cached"] == false);
  const auto json = nlohmann::json::parse(summary_json(scores));
  CHECK(json[0]["pass_at"][0]["pass_at_k"] == 0.5);
  CHECK(json[0]["early_exit"] == 1);
  CHECK_THAT(summary_table(scores), ContainsSubstring("pass@2") && ContainsSubstring("50.0"));
}

TEST_CASE("every problem must have the same samples", "[benchmark][scores]") {
  const auto all = problems();
  const auto check = [&](std::vector<Completion> completions) { return require_same_samples(all, completions, "c"); };
  CHECK(check({{0, 0}, {1, 0}, {2, 0}}) == 1);
  CHECK(check({{0, 1}, {0, 0}, {1, 0}, {1, 1}, {2, 1}, {2, 0}}) == 2);
  CHECK_THROWS_WITH(check({{0, 0}, {1, 0}}), ContainsSubstring("found 0 samples of 'c' (Ruby) and 1 of another"));
  CHECK_THROWS_WITH(check({{0, 0}, {1, 0}, {2, 0}, {2, 1}}), ContainsSubstring("1 sample of 'a' (Python) and 2"));
  CHECK_THROWS_AS(check({{0, 0}, {1, 0}, {2, 1}}), BadFile);
  CHECK_THROWS_AS(check({}), BadFile);
}

}  // namespace benchmark_scores_test
