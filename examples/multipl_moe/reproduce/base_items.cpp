#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "multipl_moe/reproduce/question_items.hpp"
#include "multipl_moe/reproduce/score_matrix.hpp"
#include "multipl_moe/reproduce/systems.hpp"

namespace multipl_moe::reproduce {

namespace {

/// The name of a system of the item "bases" that is made from `base` instead of the first base model.
std::string name_with_base(const std::string& system, const BaseModel& base) {
  const std::string_view first = bases().front().name;
  if (base.name == first) return system;
  return system == first ? std::string(base.name) : fmt::format("{}-of-{}", system, base.name);
}

/// The scores of a system by base model, of the seeds that all base models with scores have.
struct SeedsOfBases {
  std::map<std::string, SeedScores, std::less<>> scores;
  std::set<std::uint64_t> common;
};

SeedsOfBases scored_with_all(const AllScores& scores, const std::string& system) {
  SeedsOfBases found;
  for (const BaseModel& base : bases()) {
    const auto runs = scores.find(name_with_base(system, base));
    if (runs == scores.end()) continue;
    SeedScores scored = runs->second;
    std::erase_if(scored, [](const auto& run) { return !run.second.exercises; });
    if (!scored.empty()) found.scores.emplace(base.name, std::move(scored));
  }
  for (const auto& [seed, unused] : found.scores.empty() ? SeedScores() : found.scores.begin()->second)
    if (std::all_of(found.scores.begin(), found.scores.end(),
                    [&, of = seed](const auto& runs) { return runs.second.contains(of); }))
      found.common.insert(seed);
  for (auto& [base, runs] : found.scores)
    std::erase_if(runs, [&](const auto& run) { return !found.common.contains(run.first); });
  return found;
}

}  // namespace

std::vector<Item> base_items(const AllScores& scores, std::size_t planned) {
  const auto others = bases().subspan(1);
  if (std::none_of(others.begin(), others.end(), [&](const BaseModel& base) { return scores.contains(base.name); }))
    return {};
  std::vector<BaseModel> by_share(bases().begin(), bases().end());
  std::sort(by_share.begin(), by_share.end(),
            [](const BaseModel& a, const BaseModel& b) { return a.percent < b.percent; });
  ScoreMatrix matrix;
  for (const BaseModel& base : by_share)
    for (const char* group : {"high", "low"})
      matrix.columns.push_back({fmt::format("{} %, {}", base.percent, group), group, std::string(base.name)});
  const auto add = [&](const std::string& system) {
    const SeedsOfBases seeds = scored_with_all(scores, system);
    matrix.add(system, title_with_seeds(title_of_system(system), seeds.common.size(), planned), "here",
               [&](const ScoreColumn& column) {
                 const auto runs = seeds.scores.find(column.part);
                 return runs == seeds.scores.end() ? Cell() : cell_of(runs->second, column.languages, Track::exercises);
               });
  };
  add(std::string(bases().front().name));
  for (const System& system : systems())
    if (system.base == bases().front().name && system.is_of("bases")) add(system.name);
  Item item = item_of(
      "bases", "What the base has read: shares of low-resource code in its training",
      "pass@1 of the base models, and of systems made from them, by the share of low-resource languages in the base's "
      "training text. All weights train in post-pretraining and in MultiPL-MoE with all weights trained; only "
      "feed-forward networks, or new experts and routers, in the two others. A row has the seeds that were scored "
      "with every base model; \"-\": not run. " +
          std::string(bars_note),
      matrix);
  std::vector<PanelColumns> panels;
  for (std::size_t b = 0; b < by_share.size(); ++b)
    panels.push_back({fmt::format("{} % low-resource code", by_share[b].percent), {2 * b, 2 * b + 1}});
  item.picture = matrix_chart({.name = item.name,
                               .title = item.title,
                               .x_label = pass_axis,
                               .rows = {},
                               .series = {"high-resource", "low-resource"},
                               .panels = {},
                               .columns = 2},
                              matrix, panels, Papers::absent);
  return {std::move(item)};
}

std::vector<Item> start_items(const AllScores& scores) {
  if (!scores.contains("multipl-moe-untrained") && !scores.contains("causal-untrained")) return {};
  ScoreMatrix matrix{.columns = {{"high", "high", "mean"}, {"low", "low", "mean"}, {"all", "all", "mean"}}, .rows = {}};
  for (const std::string system :
       {"base", "multipl-moe-untrained", "multipl-moe", "causal-untrained", "causal-multipl-moe"})
    if (const auto runs = scores.find(system); runs != scores.end())
      matrix.add(system, title_of_system(system), "here",
                 [&](const ScoreColumn& column) { return cell_of(runs->second, column.languages, Track::exercises); });
  Item item =
      item_of("step0", "MultiPL-MoE before and after its training",
              "Untrained: as it is made from the base model, with the paper's fusion of 0.7 and 0.3, and in its "
              "causal form. " +
                  std::string(bars_note),
              matrix);
  item.picture = matrix_chart({.name = item.name,
                               .title = item.title,
                               .x_label = pass_axis,
                               .rows = {},
                               .series = {"high-resource", "low-resource"},
                               .panels = {}},
                              matrix, {{"mean of three languages", {0, 1}}}, Papers::absent);
  return {std::move(item)};
}

}  // namespace multipl_moe::reproduce
