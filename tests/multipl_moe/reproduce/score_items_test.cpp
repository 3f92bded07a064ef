#include "multipl_moe/reproduce/score_items.hpp"

#include <algorithm>

#include "example_scores.hpp"
#include "multipl_moe/reproduce/margins.hpp"
#include "multipl_moe/reproduce/score_cells.hpp"
#include "support/catch.hpp"

namespace score_items_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<std::string> names_of(const std::vector<Item>& items) {
  std::vector<std::string> names;
  for (const Item& item : items) names.push_back(item.name);
  return names;
}

const Item& named(const std::vector<Item>& items, const std::string& name) {
  const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.name == name; });
  REQUIRE(found != items.end());
  return *found;
}

/// The cells of the first row of a system.
std::vector<std::string> row_of(const Item& item, const std::string& title) {
  const auto found =
      std::find_if(item.rows.begin(), item.rows.end(), [&](const ItemRow& row) { return row.cells.front() == title; });
  REQUIRE(found != item.rows.end());
  return found->cells;
}

using Cells = std::vector<std::string>;

}  // namespace

TEST_CASE("a plan's systems decide which tables and figures there are", "[reproduce][items]") {
  CHECK(names_of(score_items({})).empty());
  CHECK(names_of(score_items(example_scores({"multipl-moe"}))).empty());
  CHECK(names_of(score_items(example_scores({"dense", "multipl-moe"}))) == Cells{"table1", "figure1"});
  CHECK(names_of(score_items(example_scores({"without-both"}))) == Cells{"table2"});
  CHECK(names_of(score_items(example_scores({"ratio-4-8", "multipl-moe"}))) == Cells{"figure5"});
  AllScores text;
  text["dense"][0].bits_per_byte[index_of(Language::go)] = 2.5;
  CHECK(names_of(score_items(text)) == Cells{"bits"});
  CHECK(named(score_items(text), "bits").rows.size() == 1);
}

TEST_CASE("table 1 and figure 1 have all seeds, intervals, and the paper's own figures in gray", "[reproduce][items]") {
  const auto items = score_items(example_scores({"dense", "multipl-moe", "mole"}));
  const Item& table = named(items, "table1");
  CHECK(row_of(table, "post-pretraining") == Cells{"post-pretraining", "50.0 ± 0.0", "50.0 ± 0.0", "50.0 ± 0.0",
                                                   "37.5 ± 17.7", "37.5 ± 17.7", "37.5 ± 17.7", "50.0 ± 0.0",
                                                   "37.5 ± 17.7", "43.8 ± 8.8"});
  CHECK(row_of(table, "base").at(4) == "below 52.7");
  // MoLE is a control, in neither.
  CHECK(std::none_of(table.rows.begin(), table.rows.end(), [](const auto& row) { return row.cells[0] == "MoLE"; }));
  const Cells papers = row_of(table, "MultiPL-MoE, the paper's (humaneval)");
  CHECK(papers == Cells{papers[0], "-", "-", "-", "10.9", "8.7", "7.1", "12.6", "8.9", "10.8"});
  CHECK(std::count_if(table.rows.begin(), table.rows.end(), [](const ItemRow& row) { return row.is_papers; }) == 5);
  CHECK_THAT(item_table(table),
             ContainsSubstring("| post-pretraining | 50.0 ± 0.0 |") && ContainsSubstring("| *20.1* |"));
  const Item& figure = named(items, "figure1");
  // Wilson's interval of 37.5 % of 4.
  CHECK_THAT(figure.csv, ContainsSubstring("\ndense,here,low,mean,37.5,17.6777,9.18992,") &&
                             ContainsSubstring(",25 50\n") &&
                             ContainsSubstring("\nbase,humaneval,high,mean,13.4667,,,,13.4667\n"));
  REQUIRE(figure.picture);
  CHECK_THAT(figure.picture->data,
             ContainsSubstring("$bars0_1 << EOD\n0 0.2 0 0 ") && ContainsSubstring("13.4667 -0.2"));
  CHECK_THAT(figure.picture->commands, ContainsSubstring("'the paper''s own (HumanEval)'"));
}

TEST_CASE("table 2 has the paper's sums, and figure 5 its ratios", "[reproduce][items]") {
  const auto items = score_items(example_scores({"multipl-moe", "without-both", "ratio-4-4"}));
  const Item& table = named(items, "table2");
  CHECK(row_of(table, "without both") ==
        Cells{"without both", "150.0 ± 0.0", "112.5 ± 53.0", "50.0 ± 0.0", "37.5 ± 17.7", "43.8 ± 8.8"});
  CHECK(row_of(table, "base").at(2) == "below 158.1");
  CHECK(row_of(table, "without both, the paper's (humaneval)").at(2) == "22.5");
  CHECK_THAT(table.csv, ContainsSubstring("\nwithout-both,here,high,sum,150,0,45.0") &&
                            ContainsSubstring("\nwithout-both,humaneval,low,sum,22.5,,,,22.5\n"));
  const Item& figure = named(items, "figure5");
  CHECK(row_of(figure, "6 token, 6 segment experts").at(1) == "43.8 ± 8.8");
  CHECK(row_of(figure, "4 token, 4 segment experts, the paper's (humaneval)").at(1) == "8.88");
  CHECK_THAT(figure.picture->commands, ContainsSubstring("with vectors nohead lw 2.5 dt (5,3)"));
}

TEST_CASE("levels and strata are scores of their problems alone", "[reproduce][items]") {
  const auto items = part_items(example_scores({"dense"}));
  CHECK(names_of(items) == Cells{"levels", "strata"});
  // The first of four problems, then the first two: level 1 is problems 1 and 2.
  CHECK(named(items, "levels").columns ==
        Cells{"system", "level 1, high", "level 1, low", "level 2, high", "level 2, low"});
  CHECK(row_of(items[0], "post-pretraining") ==
        Cells{"post-pretraining", "100.0 ± 0.0", "75.0 ± 35.4", "below 77.6", "below 77.6"});
  CHECK(row_of(items[1], "post-pretraining") ==
        Cells{"post-pretraining", "50.0 ± 0.0", "50.0 ± 0.0", "50.0 ± 0.0", "25.0 ± 35.4"});
  AllScores plain = example_scores({"dense"});
  for (auto& [system, runs] : plain)
    for (auto& [seed, run] : runs) run.exercises->levels.clear(), run.exercises->strata.assign(4, "");
  CHECK(part_items(plain).empty());
}

TEST_CASE("gains are changes over the base of the same seed", "[reproduce][items]") {
  AllScores scores = example_scores({"dense", "lora"});
  scores["lora"].erase(1);
  const auto items = gain_items(scores);
  REQUIRE(names_of(items) == Cells{"gains"});
  CHECK(row_of(items[0], "post-pretraining") == Cells{"post-pretraining", "-25.0 ± 0.0", "37.5 ± 17.7", "6.2 ± 8.8"});
  // Seeds that only one of them was scored with have no pairs.
  CHECK(row_of(items[0], "LoRA") == Cells{"LoRA", "-25.0", "25.0", "0.0"});
  CHECK_THAT(items[0].picture->data, ContainsSubstring("$system0 << EOD\n-25 25\n-25 50\nEOD\n"));
  CHECK_THAT(items[0].csv, ContainsSubstring("\nmultipl-moe,humaneval,low,change,7.6,"));
  scores.erase("base");
  CHECK(gain_items(scores).empty());
}

TEST_CASE("some of the paper's differences are within the sampling error of 161 problems", "[reproduce][paper]") {
  const auto margins = papers_margins();
  const auto find = [&](const std::string& item, const std::string& languages, const std::string& b) {
    const auto found = std::find_if(margins.begin(), margins.end(), [&](const PapersMargin& m) {
      return m.item == item && m.languages == languages && m.b == b;
    });
    REQUIRE(found != margins.end());
    return *found;
  };
  CHECK(find("table1", "rust", "second-best").z == Approx(1.55).margin(0.005));
  CHECK(find("table1", "rust", "second-best").standard_error == Approx(3.1).margin(0.01));
  CHECK(find("table1", "go", "second-best").z == Approx(0.16).margin(0.005));
  // Sums of three: three times the variance of 12.6 and 13.47 %.
  CHECK(find("table1", "high", "base").standard_error ==
        Approx(std::sqrt(3 * (12.6 * 87.4 + 13.467 * 86.533) / 161)).epsilon(1e-4));
  CHECK(find("table1", "high", "base").z < 0);
  // Means of six.
  CHECK(find("figure5", "all", "ratio-4-4").standard_error ==
        Approx(std::sqrt((10.74 * 89.26 + 8.88 * 91.12) / (6 * 161))));
  for (const PapersMargin& m : margins) {
    CHECK(m.a == "multipl-moe");
    CHECK(m.value_b < 100);
    CHECK_FALSE(m.b == "loss-to-base");
  }
  CHECK(margins_item().rows.size() == margins.size());
  CHECK_THAT(margins_item().csv,
             ContainsSubstring("\ntable1,go,pass@1,multipl-moe,second-best,8.7,8.2,0.5,161,3.09986,0.161298\n"));
}

}  // namespace score_items_test
