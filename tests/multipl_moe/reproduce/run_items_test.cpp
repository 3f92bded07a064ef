/// Items that are made of files of runs, and the files of items.
#include <filesystem>

#include "../io/scratch.hpp"
#include "example_scores.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/reproduce/items.hpp"
#include "multipl_moe/reproduce/loss_items.hpp"
#include "multipl_moe/reproduce/status_items.hpp"
#include "support/catch.hpp"

namespace run_items_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string summary_header =
    "benchmark,language,k,pass_at_k,low95,high95,pass_at_k_multipl_e,problems,samples,ok,wrong,syntax_error,timeout,"
    "out_of_memory,output_limit,early_exit,truncated,cannot_pass,first_timeouts\n";

Stage stage_of(const std::string& id) { return {.id = id, .words = {}, .needs = {}, .output = id}; }

/// A run of as many steps, whose loss is 2 but for the last one.
void put_run(const std::filesystem::path& folder, int steps, const std::string& last) {
  std::string metrics;
  for (int step = 1; step <= steps; ++step)
    metrics += "{\"step\": " + std::to_string(step) + ", \"loss\": " + (step == steps ? last : "2") +
               ", \"aux\": 0, \"learning_rate\": 1, \"gradient_norm\": 1, \"tokens_per_second\": 1}\n";
  put_bytes(folder / "metrics.jsonl", metrics);
  put_bytes(folder / "config.toml", "[train]\nsteps = 1\n");
  put_bytes(folder / "env.json", "{}");
}

}  // namespace

TEST_CASE("outcomes are shares of all programs of a language", "[reproduce][items]") {
  const OutcomeShares shares = parse_outcomes(summary_header +
                                                  "test,go,1,0,0,0,0,10,20,5,6,4,2,1,1,1,9,0,0\n"
                                                  "test,go,10,0,0,0,0,10,20,5,6,4,2,1,1,1,9,0,0\n",
                                              "s.csv");
  CHECK(shares[index_of(Language::go)] == std::vector<double>{25, 30, 20, 10, 15});
  CHECK(shares[index_of(Language::ruby)].empty());
  CHECK_THROWS_WITH(parse_outcomes(summary_header + "test,cobol,1,0,0,0,0,1,1,1,0,0,0,0,0,0,0,0,0\n", "s.csv"),
                    ContainsSubstring("s.csv") && ContainsSubstring("line 2"));
  CHECK_THROWS_AS(parse_outcomes(summary_header + "test,go,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0\n", "s.csv"), BadFile);
  CHECK_THROWS_AS(parse_outcomes("benchmark\n", "s.csv"), BadFile);

  AllOutcomes all;
  all["dense"][0] = shares;
  all["dense"][1][index_of(Language::go)] = {75, 10, 0, 10, 5};
  all["base"][0] = shares;
  const auto items = status_items(all);
  REQUIRE(items.size() == 1);
  REQUIRE(items[0].rows.size() == 2);
  CHECK(items[0].rows[1].cells ==
        std::vector<std::string>{"post-pretraining", "Go", "50.0", "20.0", "10.0", "10.0", "10.0"});
  CHECK_THAT(items[0].csv, ContainsSubstring("\ndense,go,passed,50,25 75\n"));
  // The second outcome begins where the first one ends.
  CHECK_THAT(items[0].picture->data,
             ContainsSubstring("$bars4_1 << EOD\n55 0 25 55 ") && ContainsSubstring("\n70 1 50 70 "));
  CHECK(status_items({}).empty());
}

TEST_CASE("losses have a curve for each training, to its last step", "[reproduce][items]") {
  const ScratchFolder scratch;
  Plan plan;
  plan.stages = {stage_of("exercises/data"), stage_of("exercises/seed-0/base/run"),
                 stage_of("exercises/seed-0/dense/run"), stage_of("exercises/seed-1/dense/run")};
  CHECK(loss_items({}, scratch.path()).empty());
  CHECK_THROWS_AS(loss_items(plan, scratch.path()), BadFile);
  put_run(scratch / "exercises/seed-0/base/run", 1000, "3");
  put_run(scratch / "exercises/seed-0/dense/run", 3, "1");
  put_run(scratch / "exercises/seed-1/dense/run", 3, "1.5");
  const auto items = loss_items(plan, scratch.path());
  REQUIRE(items.size() == 1);
  REQUIRE(items[0].rows.size() == 2);
  // The mean of the last 50 of 1000 steps.
  CHECK(items[0].rows[0].cells == std::vector<std::string>{"exercises", "base", "1", "2.020"});
  CHECK(items[0].rows[1].cells == std::vector<std::string>{"exercises", "post-pretraining", "2", "1.250 ± 0.354"});
  CHECK_THAT(items[0].csv, ContainsSubstring("\nexercises,base,0,1000,2.02\n") && !ContainsSubstring("base,0,1,") &&
                               ContainsSubstring("\nexercises,dense,1,1,2\n"));
  CHECK(std::count(items[0].csv.begin(), items[0].csv.end(), '\n') < 1 + 120 + 6 + 1);
  REQUIRE(items[0].picture);
  CHECK_THAT(items[0].picture->data, ContainsSubstring("$curve1_0_1 << EOD\n"));
}

TEST_CASE("many systems have one curve each, the mean over seeds", "[reproduce][items]") {
  const ScratchFolder scratch;
  Plan plan;
  for (const char* system : {"dense", "lora", "gshard", "mixtral", "qwen1.5-moe", "multipl-moe", "mole"})
    for (const std::string seed : {"0", "1"}) {
      const std::string run = "exercises/seed-" + seed + "/" + system + "/run";
      plan.stages.push_back(stage_of(run));
      put_run(scratch / run, seed == "0" ? 3 : 2, seed == "0" ? "1" : "3");
    }
  const Item item = loss_items(plan, scratch.path()).at(0);
  // The third step is of one seed alone.
  CHECK_THAT(item.picture->data,
             ContainsSubstring("$curve0_6_0 << EOD\n1 2\n2 2.5\nEOD\n") && !ContainsSubstring("$curve0_6_1 << EOD\n"));
}

TEST_CASE("every item is written as CSV and Markdown, and drawn if gnuplot is there", "[reproduce][items]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "figures/older.csv", "");
  AllScores scores = example_scores({"dense", "multipl-moe", "without-both", "ratio-4-4"});
  scores["dense"][0].bits_per_byte[index_of(Language::go)] = 2.5;
  scores["dense"][1].bits_per_byte[index_of(Language::go)] = 2.25;
  Plan plan;
  plan.stages = {stage_of("exercises/seed-0/base/run"), stage_of("exercises/seed-0/base/scores")};
  put_run(scratch / "exercises/seed-0/base/run", 30, "1");
  put_bytes(scratch / "exercises/seed-0/base/scores/summary.csv",
            summary_header + "test,go,1,0,0,0,0,10,20,5,6,4,2,1,1,1,9,0,0\n");
  const auto items = all_items(plan, scores, scratch.path());
  CHECK(items.size() == 11);
  write_items(scratch.path(), items);
  CHECK_FALSE(std::filesystem::exists(scratch / "figures/older.csv"));
  const bool can_draw = find_program("gnuplot").has_value();
  for (const Item& item : items) {
    CAPTURE(item.name);
    CHECK(get_bytes(scratch / ("figures/" + item.name + ".csv")) == item.csv);
    CHECK_THAT(get_bytes(scratch / ("figures/" + item.name + ".md")), ContainsSubstring("# " + item.title) &&
                                                                          ContainsSubstring(item_table(item)) &&
                                                                          ContainsSubstring(item.made_of));
    CHECK_THAT(items_list(items), ContainsSubstring("](figures/" + item.name + ".csv)"));
    for (const ItemRow& row : item.rows) CHECK(row.cells.size() == item.columns.size());
    for (const char* extension : {".gp", ".svg", ".png"}) {
      const bool is_drawn = item.picture && (can_draw || extension == std::string(".gp"));
      CHECK(std::filesystem::exists(scratch / ("figures/" + item.name + extension)) == is_drawn);
    }
    if (item.picture && can_draw)
      CHECK_THAT(get_bytes(scratch / ("figures/" + item.name + ".svg")), ContainsSubstring("</svg>"));
  }
}

}  // namespace run_items_test
