/// A figure with a row for each system, in panels: bars with whiskers and a dot for each seed.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "multipl_moe/report/gnuplot.hpp"

namespace multipl_moe::reproduce {

/// The colors of series and systems, in this order: all can be told apart with any kind of color vision.
inline constexpr const char* series_colors[] = {"4477aa", "ee8866", "228833", "ccbb44", "66ccee", "aa3377"};
inline constexpr const char* papers_color = "999999";

struct ChartBar {
  double value = 0;
  std::optional<double> low, high;  ///< ends of the whisker
  std::vector<double> dots;         ///< of seeds
};

/// A panel. All its bars are the paper's, or none.
struct ChartPanel {
  std::string title;
  bool is_papers = false;
  std::vector<std::vector<std::optional<ChartBar>>> bars_RS;  ///< by row and series
  std::vector<std::optional<double>> papers_R;                ///< the paper's values beside those of here; or empty
};

struct RowChart {
  enum class Kind {
    bars,     ///< from 0, one below the other within a row
    stacked,  ///< each from the end of the one before
    dashes    ///< a dashed line at each value
  };
  std::string name, title, x_label;
  Kind kind = Kind::bars;
  std::vector<std::string> rows, series;
  std::vector<ChartPanel> panels;                                                       ///< at least one
  int columns = 3;                                                                      ///< of panels
  std::vector<std::string> colors{std::begin(series_colors), std::end(series_colors)};  ///< of the series
};

/// Panels of bars from here have one range of x, those of the paper another.
Picture row_chart(const RowChart& chart);

}  // namespace multipl_moe::reproduce
