#include "multipl_moe/reproduce/score_matrix.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "multipl_moe/io/csv.hpp"
#include "multipl_moe/reproduce/systems.hpp"
#include "multipl_moe/statistics/paired.hpp"

namespace multipl_moe::reproduce {

namespace {

/// The bar of a cell, with a whisker if its values are shares of problems.
std::optional<ChartBar> bar_of(const Cell& cell) {
  if (cell.values.empty()) return std::nullopt;
  ChartBar bar{.value = statistics::mean_of(cell.values), .low = {}, .high = {}, .dots = cell.values};
  if (cell.problems > 0) {
    const benchmark::Interval interval = interval_of(cell);
    bar.low = interval.low;
    bar.high = interval.high;
  }
  return bar;
}

}  // namespace

void ScoreMatrix::add(const std::string& name, const std::string& title, const std::string& source,
                      const std::function<Cell(const ScoreColumn&)>& cell_of_column) {
  ScoreRow row{name, title, source, {}};
  for (const ScoreColumn& column : columns) row.cells.push_back(cell_of_column(column));
  if (std::any_of(row.cells.begin(), row.cells.end(), [](const Cell& cell) { return !cell.values.empty(); }))
    rows.push_back(std::move(row));
}

void ScoreMatrix::add_systems(const AllScores& scores, const std::function<bool(std::string_view)>& is_wanted,
                              const std::function<Cell(const SeedScores&, const ScoreColumn&)>& cell) {
  for (const auto& system : scored_systems(scores))
    if (is_wanted(system.first))
      add(system.first, system.second, "here",
          [&](const ScoreColumn& column) { return cell(scores.at(system.first), column); });
}

Cell papers_mean(std::string_view item, std::string_view system, std::string_view benchmark,
                 std::string_view languages) {
  for (const PaperFigure& f : paper_figures())
    if (f.item == item && f.system == system && f.benchmark == benchmark && f.languages == languages) {
      const auto count = static_cast<double>(languages_of_group(languages).size());
      return {{f.statistic == "sum" ? f.value / count : f.value}, 0};
    }
  return {};
}

std::string title_of_system(std::string_view name) {
  for (const auto& [known, title] : all_models())
    if (known == name) return std::string(title);
  return std::string(name);
}

Item item_of(const std::string& name, const std::string& title, const std::string& note, const ScoreMatrix& matrix,
             const std::string& made_of) {
  Item item{.name = name,
            .title = title,
            .note = note,
            .made_of = made_of,
            .columns = {"system"},
            .rows = {},
            .csv = {},
            .picture = {}};
  for (const ScoreColumn& column : matrix.columns) item.columns.push_back(column.title);
  item.csv = "system,source,languages,part,mean,deviation,low95,high95,seeds\n";
  for (const ScoreRow& row : matrix.rows) {
    item.rows.push_back(
        {{row.is_papers() ? fmt::format("{}, the paper's ({})", row.title, row.source) : row.title}, row.is_papers()});
    for (std::size_t c = 0; c < matrix.columns.size(); ++c) {
      const Cell& cell = row.cells[c];
      const ScoreColumn& column = matrix.columns[c];
      if (cell.values.empty() || !row.is_papers())
        item.rows.back().cells.push_back(cell_text(cell, matrix.track));
      else
        item.rows.back().cells.push_back(fmt::format("{:.4g}", cell.values.front()));
      if (cell.values.empty()) continue;
      const auto deviation = statistics::deviation_of(cell.values);
      const auto bar = bar_of(cell);
      const auto field = [](const std::optional<double>& value) {
        return value ? fmt::format("{:.6g}", *value) : std::string();
      };
      item.csv += fmt::format("{},{},{},{},{:.6g},{},{},{},{:.6g}\n", csv_field(row.name), row.source, column.languages,
                              csv_field(column.part), bar->value, field(deviation), field(bar->low), field(bar->high),
                              fmt::join(cell.values, " "));
    }
  }
  return item;
}

Picture matrix_chart(RowChart chart, const ScoreMatrix& matrix, const std::vector<PanelColumns>& panels,
                     Papers papers) {
  // The paper's figures are in the rows of the same systems, and in others below.
  std::vector<std::string> names;
  const auto row_of = [&](const ScoreRow& row) {
    const auto found = std::find(names.begin(), names.end(), row.name);
    const auto number = static_cast<std::size_t>(found - names.begin());
    if (found == names.end()) {
      names.push_back(row.name);
      chart.rows.push_back(row.title);
    }
    return number;
  };
  for (const ScoreRow& row : matrix.rows)
    if (!row.is_papers() || papers != Papers::absent) row_of(row);
  const auto add_panels = [&](bool is_papers) {
    for (const PanelColumns& panel : panels) {
      ChartPanel drawn{is_papers ? "the paper's own (HumanEval)" : panel.title, is_papers, {}, {}};
      drawn.bars_RS.assign(names.size(), std::vector<std::optional<ChartBar>>(panel.columns.size()));
      if (papers == Papers::within) drawn.papers_R.assign(names.size(), std::nullopt);
      for (const ScoreRow& row : matrix.rows) {
        if (row.is_papers() && papers == Papers::absent) continue;
        if (row.is_papers() && papers == Papers::within) {
          const Cell& cell = row.cells[panel.columns.front()];
          if (!cell.values.empty()) drawn.papers_R[row_of(row)] = cell.values.front();
        } else if (row.is_papers() == is_papers) {
          for (std::size_t s = 0; s < panel.columns.size(); ++s)
            drawn.bars_RS[row_of(row)][s] = bar_of(row.cells[panel.columns[s]]);
        }
      }
      chart.panels.push_back(std::move(drawn));
    }
  };
  add_panels(false);
  if (papers == Papers::beside) add_panels(true);
  return row_chart(chart);
}

}  // namespace multipl_moe::reproduce
