#include "multipl_moe/reproduce/result_tables.hpp"

#include "../io/scratch.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace result_tables_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string header = "benchmark,language,name,family,level,stratum,n,c\n";

/// problems.csv of 4 problems in Go and Python, of which this many are passed.
std::string problems(int go, int python) {
  std::string text = header;
  for (int i = 0; i < 4; ++i) {
    const std::string name = std::to_string(i);
    text += "test,go," + name + ",fold,2,nowhere,1," + (i < go ? "1" : "0") + "\n";
    text += "test,python," + name + ",fold,2,nowhere,1," + (i < python ? "1" : "0") + "\n";
  }
  return text;
}

Stage score_stage(const std::string& id, bool prints = false) {
  return {.id = id, .words = {}, .needs = {}, .output = prints ? id + ".json" : id, .prints = prints};
}

AllScores scores_of_two_seeds() {
  AllScores scores;
  for (const std::uint64_t seed : {0u, 1u}) {
    scores["base"][seed].exercises = parse_problems(problems(0, 2), "p.csv");
    scores["dense"][seed].exercises = parse_problems(problems(seed == 0 ? 1 : 3, 2), "p.csv");
    scores["dense"][seed].bits_per_byte[index_of(Language::go)] = seed == 0 ? 2.0 : 2.5;
  }
  return scores;
}

}  // namespace

TEST_CASE("scores are read from the outputs of a plan's stages", "[reproduce][report]") {
  const ScratchFolder scratch;
  Plan plan;
  plan.stages = {score_stage("exercises/seed-0/base/scores"), score_stage("exercises/seed-1/base/scores"),
                 score_stage("text/seed-1/base/scores", true), score_stage("exercises/seed-0/base/run")};
  put_bytes(scratch / "exercises/seed-0/base/scores/problems.csv", problems(1, 2));
  put_bytes(scratch / "exercises/seed-1/base/scores/problems.csv", problems(3, 2));
  put_bytes(scratch / "text/seed-1/base/scores.json", R"({"go": {"bits_per_byte": 2.5}})");
  std::set<std::string> finished;
  for (const Stage& stage : plan.stages) finished.insert(stage.id);
  const AllScores scores = read_scores(plan, scratch.path(), finished);
  REQUIRE(scores.size() == 1);
  const auto& base = scores.at("base");
  REQUIRE(base.size() == 2);
  CHECK(base.at(0).exercises->pass[index_of(Language::go)] == std::vector<double>{1, 0, 0, 0});
  CHECK(base.at(1).exercises->pass[index_of(Language::go)] == std::vector<double>{1, 1, 1, 0});
  CHECK(base.at(1).bits_per_byte[index_of(Language::go)] == 2.5);
  CHECK_FALSE(base.at(0).bits_per_byte[index_of(Language::go)]);
  plan.stages.push_back(score_stage("exercises/seed-2/base/scores"));
  CHECK(read_scores(plan, scratch.path(), finished).at("base").size() == 2);
  finished.insert("exercises/seed-2/base/scores");
  CHECK_THROWS_AS(read_scores(plan, scratch.path(), finished), BadFile);
}

TEST_CASE("scores that are not there are named", "[reproduce][report]") {
  Plan plan{.scale = "small", .seeds = {0, 1}};
  for (const std::string seed : {"0", "1", "2"})
    for (const std::string system : {"base", "dense", "lora"})
      plan.stages.push_back(score_stage("exercises/seed-" + seed + "/" + system + "/scores"));
  plan.stages.push_back(score_stage("text/seed-0/base/scores", true));
  AllScores scores = scores_of_two_seeds();
  scores["base"][2] = scores["base"][0];
  const std::string text = report_text(plan, {"exercises/seed-0/base/scores", "of another plan"}, scores, {});
  CHECK_THAT(text, ContainsSubstring("**Not finished: 1 of 10 stages are done. Rows with fewer seeds say so,") &&
                       ContainsSubstring("| base | 50.0 ± 0.0 | - |") &&
                       ContainsSubstring("| post-pretraining, 2 of 3 seeds | 50.0 ± 0.0 | - |") &&
                       ContainsSubstring("| LoRA | not run | not run |") && !ContainsSubstring("| GShard |") &&
                       // On real code only the base is planned, and not there.
                       ContainsSubstring("| base | not run | not run |"));
  // Nothing is missing.
  plan.stages.resize(2);
  CHECK_THAT(report_text(plan, {plan.stages[0].id, plan.stages[1].id}, scores_of_two_seeds(), {}),
             !ContainsSubstring("Not finished"));
  // A probe that was not run is no less missing than a score.
  plan.stages.push_back(score_stage("letters/seed-0/base/leak"));
  CHECK_THAT(report_text(plan, {plan.stages[0].id, plan.stages[1].id}, scores_of_two_seeds(), {}),
             ContainsSubstring("**Not finished: 2 of 3 stages are done."));
}

TEST_CASE("a table of scores has means and deviations over seeds, and a limit for none", "[reproduce][report]") {
  const std::string text = report_text({.scale = "small", .seeds = {0, 1}}, {}, scores_of_two_seeds(), {});
  // Python, Java, C++, Rust, Go, Ruby, high, low, all. 25 and 75 have a mean of 50 and a deviation of 50 / sqrt(2).
  CHECK_THAT(text, ContainsSubstring("| post-pretraining | 50.0 ± 0.0 | - | - | - | 50.0 ± 35.4 | - | - | - | - |") &&
                       ContainsSubstring("| post-pretraining | - | - | - | - | 2.250 ± 0.354 | - | - | - | - |"));
  // No success in 4 problems: 0.527^4 is 5 %.
  CHECK_THAT(text, ContainsSubstring("| base | 50.0 ± 0.0 | - | - | - | below 52.7 | - |"));
  CHECK_THAT(text, ContainsSubstring("2 seeds") && !ContainsSubstring("quote no number"));
  CHECK_THAT(report_text({.scale = "smoke", .seeds = {0}}, {}, {}, {}),
             ContainsSubstring("quote no number") && !ContainsSubstring("## Exercises"));
}

TEST_CASE("scores.csv has every seed's value and Wilson's interval", "[reproduce][report]") {
  const std::string text = scores_csv(scores_of_two_seeds());
  CHECK_THAT(text, ContainsSubstring("dense,exercises,go,50,35.3553,15.0039,84.9961,25 75\n") &&
                       ContainsSubstring("dense,real code,go,2.25,0.353553,,,2 2.5\n") &&
                       ContainsSubstring("base,exercises,go,0,0,0,48.9891,0 0\n") && !ContainsSubstring("java"));
}

TEST_CASE("claims.csv and the report tell what was compared", "[reproduce][report]") {
  const std::vector<Claim> claims = parse_claims(
      "[up]\nsentence = \"Dense rises.\"\nsource = \"Table 9\"\nfamily = \"t\"\nmeasure = \"score\"\n"
      "direction = \"better\"\na = \"dense\"\nb = [\"base\"]\nlanguages = [\"go\"]\nmargin = 1\n"
      "[other]\nsentence = \"LoRA rises.\"\nsource = \"Table 9\"\nfamily = \"t\"\nmeasure = \"score\"\n"
      "direction = \"better\"\na = \"lora\"\nb = [\"base\"]\nlanguages = [\"go\"]\nmargin = 1\n"
      "[down]\nsentence = \"Dense falls.\"\nsource = \"Table 9\"\nfamily = \"w\"\nmeasure = \"score\"\n"
      "direction = \"worse\"\na = \"dense\"\nb = [\"base\"]\nlanguages = [\"go\"]\nmargin = 1\n"
      "[kept]\nsentence = \"Dense keeps.\"\nsource = \"Table 9\"\nfamily = \"k\"\nmeasure = \"score\"\n"
      "direction = \"kept\"\na = \"dense\"\nb = [\"base\"]\nlanguages = [\"python\"]\nmargin = 5\n"
      "[route]\nsentence = \"By language.\"\nsource = \"Figure 9\"\nfamily = \"f\"\nmeasure = \"expert-spread\"\n"
      "direction = \"below\"\na = \"dense\"\nlayer = \"top\"\nlanguages = [\"go\"]\nmargin = 1\n",
      "c.toml");
  const AllScores scores = scores_of_two_seeds();
  const auto judged = judge(claims, scores, {}, 400);
  const std::string text = report_text({.scale = "small", .seeds = {0, 1}}, {}, scores, judged);
  CHECK_THAT(
      text, ContainsSubstring("| Dense rises. (Table 9) | exercises | **undecided** | over base on go: +50.0 [") &&
                ContainsSubstring("above 0 in 2 of 2 seeds; from +") && ContainsSubstring("above -5 in 2 of 2 seeds") &&
                // The advantage of a claim that a system is worse is how far it is below the other one.
                ContainsSubstring("| below base on go: -50.0 [") &&
                ContainsSubstring(
                    "Not measured, as not all of their systems were run: other (exercises), route (routing).") &&
                ContainsSubstring("| figure5 | ratio-4-4 |"));
  const std::string table = claims_csv(judged);
  CHECK_THAT(table, ContainsSubstring("\nup,exercises,undecided,base,go,undecided,50,") &&
                        ContainsSubstring("\nother,exercises,not measured,base,go,not measured,,,,,,,0\n"));
  // Three of four problems differ: 2 of 8 flips are as far from 0.
  CHECK_THAT(table, ContainsSubstring(",0.25,0.25,"));
}

}  // namespace result_tables_test
