#include "multipl_moe/reproduce/score_items.hpp"

#include <algorithm>

#include "multipl_moe/reproduce/score_matrix.hpp"
#include "multipl_moe/reproduce/systems.hpp"

namespace multipl_moe::reproduce {

namespace {

bool is_of_item(std::string_view name, std::string_view item) {
  return std::any_of(systems().begin(), systems().end(),
                     [&](const System& system) { return system.name == name && system.is_of(item); });
}

/// Whether a system was scored on exercises that the item has beside the base and MultiPL-MoE, which are in most.
bool has_item(const AllScores& scores, std::string_view item) {
  const auto has_exercises = [](const auto& run) { return run.second.exercises.has_value(); };
  return std::any_of(scores.begin(), scores.end(), [&](const auto& system) {
    return system.first != "multipl-moe" && is_of_item(system.first, item) &&
           std::any_of(system.second.begin(), system.second.end(), has_exercises);
  });
}

Cell score_of(const SeedScores& runs, const ScoreColumn& column) {
  return cell_of(runs, column.languages, Track::exercises);
}

std::string group_title(std::string_view group) {
  const auto languages = languages_of_group(group);
  return std::string(languages.size() == 1 ? title_of(languages.front()) : group);
}

std::vector<ScoreColumn> columns_of_groups() {
  std::vector<ScoreColumn> columns;
  for (const std::string_view group : table_groups())
    columns.push_back({group_title(group), std::string(group), "mean"});
  return columns;
}

/// A panel for each column.
std::vector<PanelColumns> panel_for_each(const ScoreMatrix& matrix, std::size_t count) {
  std::vector<PanelColumns> panels;
  for (std::size_t c = 0; c < count; ++c) panels.push_back({matrix.columns[c].title, {c}});
  return panels;
}

void add_table1(std::vector<Item>& items, const AllScores& scores) {
  const auto is_in = [](std::string_view name) { return name == "base" || is_of_item(name, "table1"); };
  ScoreMatrix matrix{.columns = columns_of_groups(), .rows = {}};
  matrix.add_systems(scores, is_in, score_of);
  ScoreMatrix drawn = matrix;
  for (const char* benchmark : {"humaneval", "mbpp"})
    for (const std::string system : {"base", "multipl-moe", "second-best"}) {
      const auto papers = [&](const ScoreColumn& column) {
        return papers_mean("table1", system, benchmark, column.languages);
      };
      matrix.add(system, title_of_system(system), benchmark, papers);
      if (benchmark == std::string_view("humaneval") && system != "second-best")
        drawn.add(system, title_of_system(system), benchmark, papers);
    }
  Item table = item_of("table1", "Table 1: pass@1 by language", std::string(bars_note) + papers_note, matrix);
  table.picture = matrix_chart(
      {.name = "table1", .title = table.title, .x_label = pass_axis, .rows = {}, .series = {""}, .panels = {}}, drawn,
      panel_for_each(drawn, language_count), Papers::within);
  items.push_back(std::move(table));

  ScoreMatrix groups{.columns = {{"high", "high", "mean"}, {"low", "low", "mean"}}, .rows = {}};
  groups.add_systems(scores, is_in, score_of);
  for (const std::string system : {"base", "multipl-moe"})
    groups.add(system, title_of_system(system), "humaneval",
               [&](const ScoreColumn& column) { return papers_mean("table1", system, "humaneval", column.languages); });
  Item figure = item_of("figure1", "Figure 1: high-resource against low-resource languages",
                        std::string(bars_note) + papers_note, groups);
  figure.picture = matrix_chart({.name = "figure1",
                                 .title = figure.title,
                                 .x_label = pass_axis,
                                 .rows = {},
                                 .series = {"high-resource", "low-resource"},
                                 .panels = {}},
                                groups, {{"mean of three languages", {0, 1}}}, Papers::beside);
  items.push_back(std::move(figure));
}

void add_table2(std::vector<Item>& items, const AllScores& scores) {
  constexpr double languages = 3;
  ScoreMatrix matrix{.columns = {{"high, sum", "high", "sum"},
                                 {"low, sum", "low", "sum"},
                                 {"high, mean", "high", "mean"},
                                 {"low, mean", "low", "mean"},
                                 {"all, mean", "all", "mean"}},
                     .rows = {}};
  const auto with_sums = [](const Cell& cell, const ScoreColumn& column) {
    return column.part == "sum" ? cell.times(languages) : cell;
  };
  matrix.add_systems(
      scores, [](std::string_view name) { return name == "base" || is_of_item(name, "table2"); },
      [&](const SeedScores& runs, const ScoreColumn& column) { return with_sums(score_of(runs, column), column); });
  for (const std::string system : {"base", "multipl-moe", "without-segments", "without-shared", "without-both"})
    matrix.add(system, title_of_system(system), "humaneval", [&](const ScoreColumn& column) {
      return with_sums(papers_mean("table2", system, "humaneval", column.languages), column);
    });
  Item item =
      item_of("table2", "Table 2: what each part of MultiPL-MoE adds",
              "Sums over three languages, as the paper prints them, and means. " + std::string(bars_note) + papers_note,
              matrix);
  item.picture = matrix_chart({.name = "table2",
                               .title = item.title,
                               .x_label = "sum of pass@1, %",
                               .rows = {},
                               .series = {"high-resource", "low-resource"},
                               .panels = {}},
                              matrix, {{"sum of three languages", {0, 1}}}, Papers::beside);
  items.push_back(std::move(item));
}

void add_figure5(std::vector<Item>& items, const AllScores& scores) {
  ScoreMatrix matrix{.columns = {{"all", "all", "mean"}, {"high", "high", "mean"}, {"low", "low", "mean"}}, .rows = {}};
  const auto title = [](std::string_view system) {
    // multipl-moe has six of each; the others are named for their numbers.
    return system == "multipl-moe" ? std::string("6 token, 6 segment experts") : title_of_system(system);
  };
  for (const std::string system : {"multipl-moe", "ratio-4-4", "ratio-8-4", "ratio-4-8"}) {
    if (scores.contains(system))
      matrix.add(system, title(system), "here",
                 [&](const ScoreColumn& column) { return score_of(scores.at(system), column); });
    matrix.add(system, title(system), "humaneval", [&](const ScoreColumn& column) {
      return papers_mean("figure5", system, "humaneval", column.languages);
    });
  }
  Item item = item_of("figure5", "Figure 5: numbers of token and segment experts",
                      "Dashes are means over seeds, dots are seeds, whiskers are Wilson's intervals of 95 %." +
                          std::string(papers_note),
                      matrix);
  item.picture = matrix_chart({.name = "figure5",
                               .title = item.title,
                               .x_label = pass_axis,
                               .kind = RowChart::Kind::dashes,
                               .rows = {},
                               .series = {"mean"},
                               .panels = {}},
                              matrix, {{"mean of six languages", {0}}}, Papers::beside);
  items.push_back(std::move(item));
}

void add_bits(std::vector<Item>& items, const AllScores& scores) {
  ScoreMatrix matrix{.track = Track::text, .columns = columns_of_groups(), .rows = {}};
  matrix.add_systems(
      scores, [](std::string_view) { return true; },
      [](const SeedScores& runs, const ScoreColumn& column) { return cell_of(runs, column.languages, Track::text); });
  if (matrix.rows.empty()) return;
  Item item =
      item_of("bits", "Real code: bits per byte", "Fewer are better. Dashes are means over seeds, dots are seeds.",
              matrix, "text/seed-*/*/scores.json");
  item.picture = matrix_chart({.name = item.name,
                               .title = item.title,
                               .x_label = "bits per byte",
                               .kind = RowChart::Kind::dashes,
                               .rows = {},
                               .series = {""},
                               .panels = {}},
                              matrix, panel_for_each(matrix, language_count), Papers::absent);
  items.push_back(std::move(item));
}

}  // namespace

std::vector<Item> score_items(const AllScores& scores) {
  std::vector<Item> items;
  if (has_item(scores, "table1")) add_table1(items, scores);
  if (has_item(scores, "table2")) add_table2(items, scores);
  if (has_item(scores, "figure5")) add_figure5(items, scores);
  add_bits(items, scores);
  return items;
}

}  // namespace multipl_moe::reproduce
