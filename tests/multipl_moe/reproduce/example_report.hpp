/// A small report, as tests of its page need it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "../io/scratch.hpp"
#include "example_scores.hpp"
#include "multipl_moe/reproduce/claims.hpp"
#include "multipl_moe/reproduce/report_page.hpp"
#include "multipl_moe/reproduce/score_items.hpp"

namespace multipl_moe::testing {

/// Claims, scores of two seeds that show one of them, and the outputs of `trace`. Pictures of items are not drawn.
struct ExampleReport {
  const ScratchFolder& scratch;
  reproduce::Plan plan;
  std::set<std::string> finished;
  std::vector<reproduce::Claim> claims;
  std::vector<reproduce::JudgedClaim> judged;
  std::vector<reproduce::Item> items;

  explicit ExampleReport(const ScratchFolder& folder) : scratch(folder) {
    plan.scale = "small";
    plan.seeds = {0, 1};
    for (const std::string seed : {"0", "1"}) {
      const std::string system = "exercises/seed-" + seed + "/multipl-moe/";
      plan.stages.push_back({.id = system + "routing", .words = {"trace"}, .needs = {}, .output = system + "routing"});
      plan.stages.push_back(
          {.id = system + "page", .words = {"trace", "--html", "a<b"}, .needs = {}, .output = system + "routing.html"});
      put_bytes(scratch / (system + "routing.html"), "<p>routing</p>");
      put_bytes(scratch / ("logs/" + system + "page.log"), "");
    }
    plan.stages.push_back({.id = "exercises/seed-1/lora/run", .words = {"train"}, .needs = {}, .output = "lora"});
    for (std::size_t i = 0; i + 1 < plan.stages.size(); ++i) finished.insert(plan.stages[i].id);
    const std::string drawn = "exercises/seed-1/multipl-moe/routing/";
    put_bytes(scratch / (drawn + "segment_positions.csv"), "");
    put_bytes(scratch / (drawn + "token_experts.svg"),
              "<svg viewBox=\"0 0 60 30\"><rect x=\"0\" y=\"0\" width=\"60\" height=\"30\" fill=\"#ffffff\"/>"
              "<text x=\"5\" y=\"20\" fill=\"black\">layer 0</text></svg>");
    const auto claim = [](const std::string& id, const std::string& a, const std::string& sentence) {
      return "[" + id + "]\nsentence = \"" + sentence +
             "\"\nsource = \"Table 9\"\nfamily = \"t\"\nmeasure = \"score\"\n" + "direction = \"better\"\na = \"" + a +
             "\"\nb = [\"base\"]\nlanguages = [\"low\"]\nmargin = 1\n";
    };
    claims = reproduce::parse_claims(
        claim("up", "dense", "Dense <rises>.") + claim("other", "lora", "LoRA rises.") +
            "[route]\nsentence = \"By language.\"\nsource = \"Figure 9\"\nfamily = \"f\"\nmeasure = \"expert-spread\"\n"
            "direction = \"below\"\na = \"dense\"\nlayer = \"top\"\nlanguages = [\"go\"]\nmargin = 1\n",
        "c.toml");
    // Seven differences of one sign: of 128 flips, two are as far from 0.
    reproduce::AllScores scores;
    for (const std::uint64_t seed : {0u, 1u}) {
      scores["base"][seed] = passes(8, 6, 0);
      scores["dense"][seed] = passes(8, 4, 6 + seed);
      scores["multipl-moe"][seed] = passes(8, 5, 6);
    }
    judged = reproduce::judge(claims, scores, {}, 400);
    items = reproduce::score_items(scores);
    for (const reproduce::Item& item : items) put_bytes(scratch / ("figures/" + item.name + ".csv"), item.csv);
  }

  reproduce::ReportPage page() const {
    return {.plan = plan,
            .finished = finished,
            .unfinished = "Not finished: <1> of 2 scores.",
            .judged = judged,
            .items = items,
            .folder = scratch.path()};
  }
};

}  // namespace multipl_moe::testing
