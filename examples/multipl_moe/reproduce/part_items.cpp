#include <fmt/format.h>

#include <set>

#include "multipl_moe/reproduce/score_items.hpp"
#include "multipl_moe/reproduce/score_matrix.hpp"

namespace multipl_moe::reproduce {

namespace {

/// The values that a property of problems has, such as levels, in order; without "".
std::set<std::string> parts_of(const AllScores& scores, std::vector<std::string> ExerciseScores::*property) {
  std::set<std::string> parts;
  for (const auto& [system, runs] : scores)
    for (const auto& [seed, run] : runs)
      if (run.exercises) parts.insert(((*run.exercises).*property).begin(), ((*run.exercises).*property).end());
  parts.erase("");
  return parts;
}

/// high and low of each part of the problems.
ScoreMatrix matrix_of_parts(const AllScores& scores, std::vector<std::string> ExerciseScores::*property,
                            const std::string& prefix) {
  ScoreMatrix matrix;
  for (const std::string& part : parts_of(scores, property))
    for (const char* group : {"high", "low"})
      matrix.columns.push_back({fmt::format("{}{}, {}", prefix, part, group), group, part});
  matrix.add_systems(
      scores, [](std::string_view) { return true; },
      [&](const SeedScores& runs, const ScoreColumn& column) {
        return cell_of(runs, column.languages, [&](const ExerciseScores& run, std::size_t problem) {
          return problem < (run.*property).size() && (run.*property)[problem] == column.part;
        });
      });
  return matrix;
}

void add_levels(std::vector<Item>& items, const AllScores& scores) {
  const ScoreMatrix matrix = matrix_of_parts(scores, &ExerciseScores::levels, "level ");
  if (matrix.rows.empty()) return;
  Item item = item_of(
      "levels", "pass@1 by level of the problem",
      "Level 1: constants and sums; 2: choices, folds and texts; 3: maps, and two steps; 4: nested and open loops. " +
          std::string(bars_note),
      matrix);
  std::vector<PanelColumns> panels;
  for (std::size_t c = 0; c < matrix.columns.size(); c += 2)
    panels.push_back({"level " + matrix.columns[c].part, {c, c + 1}});
  item.picture = matrix_chart({.name = item.name,
                               .title = item.title,
                               .x_label = pass_axis,
                               .rows = {},
                               .series = {"high-resource", "low-resource"},
                               .panels = {},
                               .columns = 2},
                              matrix, panels, Papers::absent);
  items.push_back(std::move(item));
}

void add_strata(std::vector<Item>& items, const AllScores& scores) {
  const ScoreMatrix matrix = matrix_of_parts(scores, &ExerciseScores::strata, "");
  if (matrix.rows.empty()) return;
  Item item = item_of(
      "strata", "pass@1 of problems from nowhere, and of those to transfer",
      "Stratum nowhere: functions of this kind with these constants occur in no training text. Stratum transfer: only "
      "in that of high-resource languages, so that low-resource ones can have them from there alone. " +
          std::string(bars_note),
      matrix);
  std::vector<PanelColumns> panels{{"high-resource languages", {}}, {"low-resource languages", {}}};
  std::vector<std::string> series;
  for (std::size_t c = 0; c < matrix.columns.size(); ++c) {
    panels[c % 2].columns.push_back(c);
    if (c % 2 == 0) series.push_back(matrix.columns[c].part);
  }
  item.picture = matrix_chart(
      {.name = item.name, .title = item.title, .x_label = pass_axis, .rows = {}, .series = series, .panels = {}},
      matrix, panels, Papers::absent);
  items.push_back(std::move(item));
}

}  // namespace

std::vector<Item> part_items(const AllScores& scores) {
  std::vector<Item> items;
  add_levels(items, scores);
  add_strata(items, scores);
  return items;
}

}  // namespace multipl_moe::reproduce
