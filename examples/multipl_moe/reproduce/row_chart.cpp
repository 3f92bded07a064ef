#include "multipl_moe/reproduce/row_chart.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "multipl_moe/report/panel_grid.hpp"

namespace multipl_moe::reproduce {

namespace {

using Kind = RowChart::Kind;

/// A data block of gnuplot, which draws nothing of a row that is not a number but needs one.
std::string data_block(const std::string& name, const std::string& rows) {
  return fmt::format("${} << EOD\n{}EOD\n", name, rows.empty() ? "NaN NaN NaN NaN NaN NaN\n" : rows);
}

struct Range {
  double low = 0, high = 0;
};

/// The range of x that the panels of one origin need.
Range range_of(const RowChart& chart, bool is_papers) {
  double low = HUGE_VAL, high = -HUGE_VAL;
  const auto take = [&](double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  };
  for (const ChartPanel& panel : chart.panels) {
    if (panel.is_papers != is_papers) continue;
    for (const auto& bars : panel.bars_RS) {
      double sum = 0;
      for (const auto& bar : bars) {
        if (!bar) continue;
        sum += bar->value;
        take(chart.kind == Kind::stacked ? sum : bar->value);
        if (bar->high) take(*bar->high);
        if (bar->low) take(*bar->low);
        for (const double dot : bar->dots) take(dot);
      }
    }
    for (const auto& value : panel.papers_R)
      if (value) take(*value);
  }
  if (high < low) return {0, 1};
  if (chart.kind == Kind::dashes) {
    const double space = std::max(0.15 * (high - low), 0.02 * std::abs(high) + 0.1);
    return {std::max(0.0, low - space), high + space};
  }
  // Rounding may leave the end of a whisker at 0 a little below it.
  if (low > -1e-9) return {0, high > 0 ? 1.05 * high : 1};
  const double space = 0.05 * (std::max(0.0, high) - low);
  return {low - space, std::max(0.0, high) + space};
}

std::string color_of(const RowChart& chart, std::size_t s) { return chart.colors[s % chart.colors.size()]; }

/// Where a bar of row `r` and series `s` begins and ends from above.
Range height_of(const RowChart& chart, std::size_t r, std::size_t s) {
  const auto row = static_cast<double>(r);
  if (chart.kind == Kind::stacked) return {row - 0.38, row + 0.38};
  const double part = 0.8 / static_cast<double>(chart.series.size());
  const double begin = row - 0.4 + part * static_cast<double>(s);
  return {begin + 0.04 * part, begin + 0.96 * part};
}

/// Data of panel `p` and the plots of it, joined by commas.
struct Plots {
  std::string data, plots;

  void add(const std::string& name, const std::string& rows, const std::string& how) {
    data += data_block(name, rows);
    plots += fmt::format("{}${} using {}", plots.empty() ? "" : ", ", name, how);
  }
};

/// The bars of each series, in the order of the legend, then what lies upon them.
Plots plots_of(const RowChart& chart, std::size_t p) {
  const ChartPanel& panel = chart.panels[p];
  Plots plots;
  std::string whiskers, dots;
  for (std::size_t s = 0; s < chart.series.size(); ++s) {
    std::string bars;
    for (std::size_t r = 0; r < panel.bars_RS.size(); ++r) {
      const auto& bar = panel.bars_RS[r][s];
      if (!bar) continue;
      double begin = 0;
      for (std::size_t before = 0; before < s && chart.kind == Kind::stacked; ++before)
        if (const auto& other = panel.bars_RS[r][before]) begin += other->value;
      const Range height = height_of(chart, r, s);
      const double middle = (height.low + height.high) / 2;
      bars += fmt::format("{:.6g} {:.6g} {:.6g} {:.6g} {:.6g} {:.6g}\n", begin + bar->value, middle, begin,
                          begin + bar->value, height.low, height.high);
      if (bar->low && bar->high)
        whiskers += fmt::format("{:.6g} {:.6g} {:.6g} {:.6g}\n", bar->value, middle, *bar->low, *bar->high);
      for (const double dot : bar->dots) dots += fmt::format("{:.6g} {:.6g}\n", dot, middle);
    }
    constexpr const char* grays[] = {papers_color, "cccccc"};
    const std::string color = panel.is_papers ? grays[s % std::size(grays)] : color_of(chart, s);
    plots.add(fmt::format("bars{}_{}", p, s), bars,
              chart.kind == Kind::dashes
                  ? fmt::format("1:5:(0):($6-$5) with vectors nohead lw 2.5 dt (5,3) lc rgb '#{}' notitle", color)
                  : fmt::format("1:2:3:4:5:6 with boxxyerror fs solid noborder lc rgb '#{}' notitle", color));
  }
  if (panel.is_papers || chart.kind == Kind::stacked) return plots;
  if (!whiskers.empty())
    plots.add(fmt::format("whiskers{}", p), whiskers,
              "1:2:3:4 with xerrorbars pt 0 ps 0 lw 1 lc rgb '#555555' notitle");
  if (!dots.empty()) plots.add(fmt::format("dots{}", p), dots, "1:2 with points pt 7 ps 0.38 lc rgb '#333333' notitle");
  std::string papers;
  for (std::size_t r = 0; r < panel.papers_R.size(); ++r)
    if (panel.papers_R[r]) papers += fmt::format("{:.6g} {}\n", *panel.papers_R[r], r);
  if (!panel.papers_R.empty())
    plots.add(fmt::format("papers{}", p), papers,
              fmt::format("1:2 with points pt 13 ps 0.8 lc rgb '#{}' notitle", papers_color));
  return plots;
}

/// The series, and what the marks upon them are, in a line below the title.
std::string legend_of(const RowChart& chart, const PanelGrid& grid) {
  struct Entry {
    std::string text, mark;  ///< commands that draw the mark, with {0} and {1} for its place
  };
  std::vector<Entry> entries;
  int number = 1;
  for (std::size_t s = 0; s < chart.series.size() && chart.series.size() > 1; ++s)
    entries.push_back({chart.series[s], "fillcolor rgb '#" + color_of(chart, s) + "' fillstyle solid noborder"});
  const auto& first = chart.panels.front();
  const auto has_dots = [](const auto& bars) {
    return std::any_of(bars.begin(), bars.end(), [](const auto& bar) { return bar && !bar->dots.empty(); });
  };
  if (chart.kind != Kind::stacked && std::any_of(first.bars_RS.begin(), first.bars_RS.end(), has_dots))
    entries.push_back({"a seed", "pt 7 ps 0.5 lc rgb '#333333'"});
  if (!first.papers_R.empty())
    entries.push_back({"the paper's own (HumanEval)", fmt::format("pt 13 ps 0.8 lc rgb '#{}'", papers_color)});
  constexpr int letter = 8, mark = 18, gap = 24;
  int width = -gap;
  for (const Entry& entry : entries) width += mark + letter * static_cast<int>(entry.text.size()) + gap;
  std::string commands;
  double x = (grid.width() - width) / 2.0;
  const double y = 1 - 46.0 / grid.height();
  const auto screen = [&](double pixels) { return pixels / grid.width(); };
  for (const Entry& entry : entries) {
    ++number;
    if (entry.mark.starts_with("pt"))
      commands += fmt::format("set label {} '' at screen {:.5f},{:.5f} point {} front\n", number + 100, screen(x + 7),
                              y, entry.mark);
    else
      commands += fmt::format("set object {} rectangle from screen {:.5f},{:.5f} to screen {:.5f},{:.5f} {}\n", number,
                              screen(x), y - 5.0 / grid.height(), screen(x + 12), y + 5.0 / grid.height(), entry.mark);
    commands += fmt::format("set label {} {} at screen {:.5f},{:.5f} left front\n", number, plot_text(entry.text),
                            screen(x + mark), y);
    x += mark + letter * static_cast<double>(entry.text.size()) + gap;
  }
  return commands;
}

/// The distance of ticks: a round number, so that there are at most six.
double tick_step(const Range& range) {
  const double least = (range.high - range.low) / 6;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= least) return factor * power;
  return 10 * power;
}

PanelGrid grid_of_rows(const RowChart& chart) {
  std::size_t longest = 0;
  for (const std::string& row : chart.rows) longest = std::max(longest, row.size());
  PanelGrid grid{
      .left = 24 + static_cast<int>(8 * longest), .right = 24, .top = 84, .bottom = 56, .gap_x = 26, .gap_y = 62};
  grid.arrange(chart.panels.size(), chart.columns);
  constexpr int least_width = 700;
  grid.panel_width = std::max(210, (least_width - grid.left - grid.right + grid.gap_x) / grid.columns - grid.gap_x);
  const int bars = chart.kind == Kind::bars ? static_cast<int>(chart.series.size()) : 1;
  grid.panel_height = std::max(
      60, static_cast<int>(chart.rows.size()) * (chart.kind == Kind::dashes ? 30 : std::max(20, 12 * bars + 4)));
  return grid;
}

}  // namespace

Picture row_chart(const RowChart& chart) {
  const PanelGrid grid = grid_of_rows(chart);
  Picture picture{.name = chart.name, .width = grid.width(), .height = grid.height(), .data = {}, .commands = {}};
  picture.commands = grid.title(chart.title) + legend_of(chart, grid) +
                     fmt::format(
                         "unset key\nset yrange [{}.5:-0.5]\nset tics out nomirror scale 0.4\n"
                         "set grid xtics lt 1 lw 1 lc rgb '#dddddd'\nset border 3 lc rgb '#888888'\n",
                         chart.rows.size() - 1);
  for (std::size_t p = 0; p < chart.panels.size(); ++p) {
    const ChartPanel& panel = chart.panels[p];
    const int number = static_cast<int>(p);
    const Range range = range_of(chart, panel.is_papers);
    picture.commands +=
        grid.margins(number) + fmt::format(
                                   "set title {} offset 0,-0.6 tc rgb '{}'\nset xlabel {} offset 0,0.4\n"
                                   "set xrange [{:.6g}:{:.6g}]\nset xtics {:.6g}\nset xtics tc rgb 'black'\n{}",
                                   plot_text(panel.title), panel.is_papers ? "#777777" : "black",
                                   grid.is_lowest(number) ? plot_text(chart.x_label) : "''", range.low, range.high,
                                   tick_step(range), range.low < 0 ? "set yzeroaxis lt 1 lw 1 lc rgb '#888888'\n" : "");
    picture.commands += grid.is_leftmost(number) ? fmt::format("set ytics {} nomirror scale 0.4 tc rgb 'black'\n",
                                                               tick_list(chart.rows, 1, 1 << 20))
                                                 : "unset ytics\n";
    const Plots plots = plots_of(chart, p);
    picture.data += plots.data;
    picture.commands += "plot " + plots.plots + "\n";
    if (p == 0) picture.commands += "unset label\nunset object\n";
  }
  picture.commands += "unset multiplot\n";
  return picture;
}

}  // namespace multipl_moe::reproduce
