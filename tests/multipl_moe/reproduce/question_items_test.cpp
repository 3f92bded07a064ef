#include "multipl_moe/reproduce/question_items.hpp"

#include <algorithm>

#include "../io/scratch.hpp"
#include "example_scores.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace question_items_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

using Cells = std::vector<std::string>;

const std::string lesion_header = "kind,layer,expert,language,bits_per_byte,cost,share\n";

const Item& named(const std::vector<Item>& items, const std::string& name) {
  const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.name == name; });
  REQUIRE(found != items.end());
  return *found;
}

/// lesion.csv of a model whose token expert 1 of layer 0 is worth `own` bits to Go and `other` to other languages, and
/// whose shared experts are worth twice as much to all.
std::string lesions_of(double own, double other) {
  std::string text = lesion_header;
  for (const Language language : all_languages) {
    const std::string name(name_of(language));
    const double cost = language == Language::go ? own : other;
    text += "none,,," + name + ",2,0,\n";
    text += "shared,,," + name + ",3," + std::to_string(2 * own) + ",\n";
    text += "token,0,0," + name + ",2,0.001,0.5\n";
    text += "token,0,1," + name + ",2.5," + std::to_string(cost) + ",0.25\n";
    text += "segment,,," + name + ",1.5,-0.5,\n";
  }
  return text;
}

Stage stage_of(const std::string& id) { return {.id = id, .words = {}, .needs = {}, .output = id}; }

}  // namespace

TEST_CASE("lesions are read by kind, expert and language", "[reproduce][items]") {
  const auto lesions = parse_lesions(lesions_of(0.5, 0.125), "l.csv");
  REQUIRE(lesions.size() == 4);
  CHECK_FALSE(lesions[0].place);
  CHECK(lesions[0].cost[index_of(Language::ruby)] == 1.0);
  CHECK(lesions[2].kind == "token");
  CHECK(lesions[2].place == "0,1");
  CHECK(lesions[2].cost[index_of(Language::go)] == 0.5);
  CHECK(lesions[2].share[index_of(Language::go)] == 0.25);
  CHECK_THROWS_WITH(parse_lesions(lesion_header + "expert,,,go,1,1,\n", "l.csv"), ContainsSubstring("line 2"));
  CHECK_THROWS_WITH(parse_lesions(lesion_header + "token,0,1,go,1,1,\ntoken,0,1,go,1,1,\n", "l.csv"),
                    ContainsSubstring("line 3"));
  CHECK_THROWS_AS(parse_lesions(lesion_header + "token,x,1,go,1,1,\n", "l.csv"), BadFile);
}

TEST_CASE("gates are those of the last step", "[reproduce][items]") {
  const auto gates = parse_gates("step,layer,language,mean_gate\n5,0,go,0.5\n5,1,go,0.75\n10,0,go,0.25\n", "b.csv");
  REQUIRE(gates.size() == 1);
  CHECK(gates.at(0)[index_of(Language::go)] == 0.25);
  CHECK_THROWS_AS(parse_gates("step,layer,language,mean_gate\n5,0,cobol,0.5\n", "b.csv"), BadFile);
}

TEST_CASE("probes of a plan become tables and figures by system and seed", "[reproduce][items]") {
  const ScratchFolder scratch;
  Plan plan;
  for (const char* seed : {"0", "1"}) {
    const std::string exercises = std::string("exercises/seed-") + seed + "/multipl-moe/";
    const std::string letters = std::string("letters/seed-") + seed + "/multipl-moe/leak";
    plan.stages.insert(plan.stages.end(),
                       {stage_of(exercises + "lesion"), stage_of(exercises + "bypass"), stage_of(letters)});
    const bool is_first = *seed == '0';
    put_bytes(scratch / (exercises + "lesion/lesion.csv"), is_first ? lesions_of(0.5, 0.125) : lesions_of(0.25, 0.75));
    std::string gates = "step,layer,language,mean_gate\n";
    for (const Language language : all_languages)
      gates += "7,2," + std::string(name_of(language)) + (is_first ? ",0.25\n" : ",0.75\n");
    put_bytes(scratch / (exercises + "bypass/bypass.csv"), gates);
    put_bytes(scratch / (letters + "/leak.csv"),
              "text,measure,value,error,bound\nrandom hex,accuracy,0.0783,0.0005,0.0771\nrandom hex,surprise_bits," +
                  std::string(is_first ? "100" : "0.5") +
                  ",,\nrandom hex,claimed,3.5,,\nrandom hex,decodable,3.75,0.1,\n");
  }
  plan.stages.push_back(stage_of("text/seed-0/multipl-moe/leak"));
  put_bytes(scratch / "text/seed-0/multipl-moe/leak/leak.csv",
            "text,measure,value,error,bound\nrandom hex,surprise_bits,0,,\ngo,claimed,1,,\ngo,decodable,2,0.1,\n"
            "ruby,claimed,1,,\nruby,decodable,4,0.1,\n");
  const auto items = probe_items(read_probes(plan, scratch.path()), 3);
  REQUIRE(items.size() == 4);
  CHECK(probe_items({}, 3).empty());

  const Item& leak = named(items, "leak");
  REQUIRE(leak.rows.size() == 2);
  // Of seeds with proof and without one a mean would say nothing.
  CHECK(leak.rows[0].cells == Cells{"MultiPL-MoE, 2 of 3 seeds", "random letters", "100.0, 0.5", "7.830 ± 0.000", "-",
                                    "-", "-", "-", "0.250 ± 0.000"});
  // The random letters of a model of code are not mixed with its languages.
  CHECK(leak.rows[1].cells == Cells{"MultiPL-MoE, 1 of 3 seeds", "real code", "-", "-", "-", "-", "-", "-", "2.000"});
  CHECK_THAT(leak.csv, ContainsSubstring("\nmultipl-moe,letters,surprise_bits,,100 0.5\n"));
  REQUIRE(leak.picture);
  CHECK_THAT(leak.picture->data, ContainsSubstring("$bars0_0 << EOD\n0.5 ") && ContainsSubstring("\n100 0\n"));

  const Item& lesions = named(items, "lesions");
  REQUIRE(lesions.rows.size() == 2);
  CHECK(lesions.rows[0].cells.front() == "MultiPL-MoE without shared experts, 2 of 3 seeds");
  // Costs lie between -0.5, of what is better without, and 1.
  REQUIRE(lesions.picture);
  CHECK_THAT(lesions.picture->commands,
             ContainsSubstring("set xrange [-0.575:1.075]") && ContainsSubstring("set yzeroaxis"));
  CHECK_THAT(lesions.csv,
             ContainsSubstring("\nmultipl-moe:shared,here,go,mean,0.75,") && ContainsSubstring(",1 0.5\n"));
  CHECK_THAT(named(items, "bypass").csv, ContainsSubstring("\nmultipl-moe:layer-2,here,low,mean,0.5,"));

  // The first seed's expert is Go's own, the second one's is everybody's but Go's.
  const Item& experts = named(items, "experts");
  const auto of_go = [&](const std::string& seed) {
    return std::find_if(experts.rows.begin(), experts.rows.end(),
                        [&](const ItemRow& row) { return row.cells[1] == seed && row.cells[2] == "Go"; })
        ->cells;
  };
  CHECK(of_go("0") == Cells{"MultiPL-MoE", "0", "Go", "token 1 of layer 0", "0.5000", "0.1250", "25.0 %"});
  CHECK(of_go("1") == Cells{"MultiPL-MoE", "1", "Go", "token 1 of layer 0", "0.2500", "0.7500", "25.0 %"});
  REQUIRE(experts.picture);
  CHECK_THAT(
      experts.picture->data,
      ContainsSubstring("$costs1 << EOD\n0.001 0.001 0.001 0.001 0.001 0.001 \n0.75 0.75 0.75 0.75 0.25 0.75 \n"));
  for (const Item& item : items)
    for (const ItemRow& row : item.rows) CHECK(row.cells.size() == item.columns.size());
}

TEST_CASE("the hybrid is shown before and after its training, if the former was scored", "[reproduce][items]") {
  CHECK(start_items(example_scores({"multipl-moe"})).empty());
  const auto items = start_items(example_scores({"multipl-moe", "multipl-moe-untrained", "dense"}));
  REQUIRE(items.size() == 1);
  REQUIRE(items[0].rows.size() == 3);
  CHECK(items[0].rows[1].cells.front() == "MultiPL-MoE, untrained");
}

TEST_CASE("base models with more or less low-resource code stand beside each other", "[reproduce][items]") {
  CHECK(base_items(example_scores({"dense", "ffn-only"}), 2).empty());
  AllScores scores = example_scores({"dense", "base-3", "dense-of-base-3", "multipl-moe-of-base-0"});
  scores["dense-of-base-3"][0] = passes(4, 4, 4);
  scores["dense-of-base-3"][1] = passes(4, 4, 4);
  const auto items = base_items(scores, 2);
  REQUIRE(items.size() == 1);
  const Item& item = items.front();
  CHECK(item.columns == Cells{"system", "0 %, high", "0 %, low", "0.5 %, high", "0.5 %, low", "1 %, high", "1 %, low",
                              "3 %, high", "3 %, low"});
  REQUIRE(item.rows.size() == 3);
  CHECK(item.rows[0].cells ==
        Cells{"base", "-", "-", "75.0 ± 0.0", "below 52.7", "-", "-", "50.0 ± 0.0", "37.5 ± 17.7"});
  CHECK(item.rows[1].cells ==
        Cells{"post-pretraining", "-", "-", "50.0 ± 0.0", "37.5 ± 17.7", "-", "-", "100.0 ± 0.0", "100.0 ± 0.0"});
  CHECK(item.rows[2].cells.front() == "MultiPL-MoE");
  CHECK(item.rows[2].cells.at(1) == "50.0 ± 0.0");

  // The second seed of one base model is not there yet: a column of one seed beside one of two would compare seeds.
  scores["base-3"].erase(1);
  scores["dense-of-base-3"].erase(0);
  scores["dense-of-base-3"][1].exercises.reset();
  const auto partial = base_items(scores, 2);
  REQUIRE(partial.size() == 1);
  CHECK(partial[0].rows.at(0).cells ==
        Cells{"base, 1 of 2 seeds", "-", "-", "75.0", "below 52.7", "-", "-", "50.0", "25.0"});
  CHECK(partial[0].rows.at(1).cells ==
        Cells{"post-pretraining", "-", "-", "50.0 ± 0.0", "37.5 ± 17.7", "-", "-", "-", "-"});
}

}  // namespace question_items_test
