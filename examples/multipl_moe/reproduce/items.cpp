#include "multipl_moe/reproduce/items.hpp"

#include <iterator>

#include "multipl_moe/reproduce/loss_items.hpp"
#include "multipl_moe/reproduce/margins.hpp"
#include "multipl_moe/reproduce/probe_tables.hpp"
#include "multipl_moe/reproduce/question_items.hpp"
#include "multipl_moe/reproduce/run_stage.hpp"
#include "multipl_moe/reproduce/score_items.hpp"
#include "multipl_moe/reproduce/status_items.hpp"
#include "multipl_moe/reproduce/systems.hpp"

namespace multipl_moe::reproduce {

namespace {

/// Without the models that are compared apart.
AllScores main_scores(AllScores scores) {
  std::erase_if(scores, [](const auto& system) { return is_model_apart(system.first); });
  return scores;
}
Plan main_plan(Plan plan) {
  std::erase_if(plan.stages, [](const Stage& stage) {
    const auto run = run_stage_of(stage);
    return run && is_model_apart(run->system);
  });
  return plan;
}

}  // namespace

std::vector<Item> all_items(const Plan& plan, const AllScores& scores, const std::filesystem::path& folder) {
  const AllScores shown = main_scores(scores);
  const Plan shown_plan = main_plan(plan);
  std::vector<Item> items = score_items(shown);
  const auto add = [&items](std::vector<Item> more) {
    items.insert(items.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  };
  add(gain_items(shown));
  add(part_items(shown));
  add(status_items(read_outcomes(shown_plan, folder)));
  add(start_items(shown));
  add(base_items(scores, plan.seeds.size()));
  add(probe_items(read_probes(shown_plan, folder), shown_plan.seeds.size()));
  add(loss_items(shown_plan, folder));
  add({margins_item()});
  return items;
}

}  // namespace multipl_moe::reproduce
