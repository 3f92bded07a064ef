/// Scores as a matrix of systems and columns, from which an item's table, CSV and chart are made.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/reproduce/item.hpp"
#include "multipl_moe/reproduce/paper.hpp"
#include "multipl_moe/reproduce/row_chart.hpp"
#include "multipl_moe/reproduce/score_cells.hpp"

namespace multipl_moe::reproduce {

struct ScoreColumn {
  std::string title, languages;
  std::string part;  ///< of the problems, or the statistic; for the CSV
};

struct ScoreRow {
  std::string name, title;
  std::string source;  ///< "here", or the paper's benchmark
  std::vector<Cell> cells;

  bool is_papers() const { return source != "here"; }
};

struct ScoreMatrix {
  Track track = Track::exercises;
  std::vector<ScoreColumn> columns;
  std::vector<ScoreRow> rows;

  /// Adds a row with `cell_of_column` of each column, unless all its cells are empty.
  void add(const std::string& name, const std::string& title, const std::string& source,
           const std::function<Cell(const ScoreColumn&)>& cell_of_column);
  /// Adds the row of a system here for each that `is_wanted` names.
  void add_systems(const AllScores& scores, const std::function<bool(std::string_view)>& is_wanted,
                   const std::function<Cell(const SeedScores&, const ScoreColumn&)>& cell);
};

/// The mean of pass@1 over `languages` that the paper has in an item; empty if it is not known.
Cell papers_mean(std::string_view item, std::string_view system, std::string_view benchmark,
                 std::string_view languages);

/// The title of a system by name; of the paper's other rows, the name.
std::string title_of_system(std::string_view name);

/// The axis of scores, the files that they come from, and how to read them.
inline constexpr const char* pass_axis = "pass@1, %";
inline constexpr const char* of_problems = "exercises/seed-*/*/scores/problems.csv";
inline constexpr const char* bars_note =
    "Bars are means over seeds, dots are seeds, whiskers are Wilson's intervals of 95 % for the number of problems.";
inline constexpr const char* papers_note =
    " Gray, and in italics: the paper's own figures, of models with 1.8 to 10.8 billion parameters on other problems.";

/// An item with the columns, the rows and the CSV of a matrix, without a picture.
Item item_of(const std::string& name, const std::string& title, const std::string& note, const ScoreMatrix& matrix,
             const std::string& made_of = of_problems);

/// A panel of a chart: for each series the number of its column.
struct PanelColumns {
  std::string title;
  std::vector<std::size_t> columns;
};
enum class Papers {
  absent,
  within,  ///< marks in the rows of the systems, for panels of one series
  beside   ///< panels of their own
};

/// Adds the panels of a matrix to a chart that has a name, titles and series.
Picture matrix_chart(RowChart chart, const ScoreMatrix& matrix, const std::vector<PanelColumns>& panels, Papers papers);

}  // namespace multipl_moe::reproduce
