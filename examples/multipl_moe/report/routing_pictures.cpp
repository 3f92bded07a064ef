#include "multipl_moe/report/routing_pictures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "multipl_moe/data/language.hpp"
#include "multipl_moe/report/panel_grid.hpp"

namespace multipl_moe {

namespace {

using Levels = std::map<std::uint32_t, LevelTally>;
using Rows = std::vector<std::vector<double>>;

struct Panel {
  std::string title;
  Rows values_YX;
};

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

/// The highest share outside of the columns without color; 1 if all are 0.
double highest_of(const std::vector<Panel>& panels, const std::vector<std::size_t>& colorless = {}) {
  double highest = 0;
  for (const Panel& panel : panels)
    for (const auto& row : panel.values_YX)
      for (std::size_t x = 0; x < row.size(); ++x)
        if (std::find(colorless.begin(), colorless.end(), x) == colorless.end()) highest = std::max(highest, row[x]);
  return highest > 0 ? highest : 1;
}

/// Panels of this size, as many in a row as fit.
PanelGrid grid_of(std::size_t panels, int width, int height) {
  constexpr int widest = 1400, least_width = 760;
  PanelGrid grid;
  grid.arrange(panels, std::max(1, widest / width));
  // If there are few panels, they are widened to the width that the title needs.
  grid.panel_width = std::max(width, (least_width - grid.left - grid.right + grid.gap_x) / grid.columns - grid.gap_x);
  grid.panel_height = height;
  return grid;
}

std::string block(std::size_t number, const Rows& values_YX) {
  std::string text = fmt::format("$panel{} << EOD\n", number);
  for (const auto& row : values_YX) {
    for (const double value : row) text += fmt::format("{:.6g} ", value);
    text += '\n';
  }
  return text + "EOD\n";
}

std::vector<std::string> numbers(std::size_t first, std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(std::to_string(first + i));
  return names;
}

struct Axes {
  std::string x_label, y_label;
  std::vector<std::string> x_names, y_names;
  /// The share at which a heat map has its darkest color.
  double darkest = 1;
  /// Columns of a heat map without color: experts that process every row by design.
  std::vector<std::size_t> colorless{};
};

/// Margins, title and axis labels of a panel.
std::string panel_frame(const PanelGrid& grid, int panel, const std::string& title, const Axes& axes) {
  std::string text = grid.margins(panel) + fmt::format("set title {} offset 0,-0.6\n", plot_text(title));
  text +=
      grid.is_lowest(panel) ? fmt::format("set xlabel {} offset 0,0.4\n", plot_text(axes.x_label)) : "unset xlabel\n";
  text += grid.is_leftmost(panel) && !axes.y_label.empty()
              ? fmt::format("set ylabel {} offset 0.6,0\n", plot_text(axes.y_label))
              : "unset ylabel\n";
  return text;
}

/// Plots panel `number` of a heat map: colors and, if the cells have room for them, the values.
std::string plot_cells(std::size_t number, const Axes& axes, bool has_room) {
  std::string is_colorless = "(0";
  for (const std::size_t x : axes.colorless) is_colorless += fmt::format("||$1=={}", x);
  is_colorless += ")";
  std::string text =
      fmt::format("plot $panel{} matrix using 1:2:({} ? NaN : $3) with image pixels", number, is_colorless);
  if (has_room)
    text += fmt::format(
        ", $panel{} matrix using 1:2:(sprintf('%.2f', $3)):(!{} && $3 > {:.4g} ? 0xffffff : 0x222222) with labels font "
        "',8' tc rgb variable",
        number, is_colorless, 0.55 * axes.darkest);
  return text + "\n";
}

Picture heat_map(const std::string& name, const std::string& title, const Axes& axes,
                 const std::vector<Panel>& panels) {
  const auto x_count = static_cast<int>(axes.x_names.size()), y_count = static_cast<int>(axes.y_names.size());
  // Up to 40 experts the cells have room for values; up to 60 the experts' numbers do not overlap.
  const PanelGrid grid = grid_of(panels.size(), std::clamp(34 * x_count, 100, 1400), std::clamp(24 * y_count, 96, 480));
  const bool has_room = grid.panel_width >= 32 * x_count && grid.panel_height >= 14 * y_count;
  Picture picture{.name = name, .width = grid.width(), .height = grid.height(), .data = {}, .commands = {}};
  for (std::size_t i = 0; i < panels.size(); ++i) picture.data += block(i, panels[i].values_YX);
  const int color_bar = grid.left + grid.columns * (grid.panel_width + grid.gap_x);
  picture.commands =
      grid.title(title) +
      fmt::format(
          "set palette defined (0 '#f7fbff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5', 1 '#08306b')\n"
          "set cbrange [0:{:.4g}]\nset cblabel 'share' offset 1.4,0\nset format cb '%.2f'\nunset key\n"
          "set colorbox user origin screen {:.5f},{:.5f} size screen {:.5f},{:.5f}\n"
          "set object 1 rectangle from graph 0,0 to graph 1,1 behind fillcolor rgb '#dddddd' fillstyle solid noborder\n"
          "set xrange [-0.5:{}.5]\nset yrange [{}.5:-0.5]\nset tics out nomirror scale 0.4\nset xtics {}\n",
          axes.darkest, static_cast<double>(color_bar) / grid.width(), static_cast<double>(grid.bottom) / grid.height(),
          14.0 / grid.width(), static_cast<double>(grid.height() - grid.top - grid.bottom) / grid.height(), x_count - 1,
          y_count - 1, tick_list(axes.x_names, 23, grid.panel_width));
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const int panel = static_cast<int>(i);
    picture.commands += panel_frame(grid, panel, panels[i].title, axes);
    picture.commands += grid.is_leftmost(panel)
                            ? fmt::format("set ytics {}\n", tick_list(axes.y_names, 16, grid.panel_height))
                            : "unset ytics\n";
    picture.commands += plot_cells(i, axes, has_room);
    if (i == 0) picture.commands += "unset colorbox\nunset label 1\n";
  }
  picture.commands += "unset multiplot\n";
  return picture;
}

Picture bar_chart(const std::string& name, const std::string& title, const Axes& axes, const std::vector<Panel>& panels,
                  const std::vector<std::string>& series) {
  const auto groups = static_cast<int>(axes.x_names.size());
  const PanelGrid grid =
      grid_of(panels.size(), std::clamp(14 * groups * static_cast<int>(series.size()) / 2, 220, 700), 220);
  Picture picture{.name = name, .width = grid.width(), .height = grid.height(), .data = {}, .commands = {}};
  for (std::size_t i = 0; i < panels.size(); ++i) picture.data += block(i, panels[i].values_YX);
  picture.commands =
      grid.title(title) +
      fmt::format(
          "set style data histograms\nset style histogram clustered gap 1\nset style fill solid border -1\n"
          "set xrange [-0.6:{}.6]\nset yrange [0:{:.1f}]\nset xtics {}\nset ytics 0.1\nset tics nomirror\n"
          "set grid ytics lt 1 lw 1 lc rgb '#dddddd'\n",
          groups - 1, std::ceil(10 * highest_of(panels)) / 10, tick_list(axes.x_names, 23, grid.panel_width));
  constexpr const char* colors[] = {"#4477aa", "#66ccee", "#228833", "#ccbb44", "#ee6677", "#aa3377"};
  for (std::size_t i = 0; i < panels.size(); ++i) {
    const int panel = static_cast<int>(i);
    picture.commands += panel_frame(grid, panel, panels[i].title, axes);
    picture.commands += i == 0
                            ? fmt::format("set key at screen {:.5f},{:.5f} left top Left reverse samplen 1\n",
                                          1 - 102.0 / grid.width(), 1 - static_cast<double>(grid.top) / grid.height())
                            : "unset key\nunset label 1\n";
    picture.commands += grid.is_leftmost(panel) ? "set format y '%.1f'\n" : "set format y ''\n";
    picture.commands += "plot ";
    for (std::size_t s = 0; s < series.size(); ++s)
      picture.commands += fmt::format("{}$panel{} using {} title {} lc rgb '{}' lw 0.3", s > 0 ? ", " : "", i, s + 1,
                                      plot_text(series[s]), colors[s % std::size(colors)]);
    picture.commands += '\n';
  }
  picture.commands += "unset multiplot\n";
  return picture;
}

std::vector<Language> languages_of(const RoutingTrace& trace) {
  std::vector<Language> present;
  for (const Language language : all_languages)
    if (trace[index_of(language)]) present.push_back(language);
  return present;
}

std::vector<std::string> titles_of(const std::vector<Language>& languages) {
  std::vector<std::string> titles;
  for (const Language language : languages) titles.emplace_back(title_of(language));
  return titles;
}

std::string layer_title(std::uint32_t layer) { return fmt::format("layer {}", layer); }

/// Panels by layer with a row of `values_of(level)` for each language.
template <class ValuesOf>
std::vector<Panel> language_panels(const RoutingTrace& trace, Levels RoutingTally::*levels, const ValuesOf& values_of) {
  const std::vector<Language> languages = languages_of(trace);
  std::vector<Panel> panels;
  for (const auto& [layer, first] : (*trace[index_of(languages.front())]).*levels) {
    Panel panel{layer_title(layer), {}};
    for (const Language language : languages)
      panel.values_YX.push_back(values_of(((*trace[index_of(language)]).*levels).at(layer)));
    panels.push_back(std::move(panel));
  }
  return panels;
}

std::vector<double> expert_shares(const LevelTally& level) {
  std::vector<double> shares;
  for (const std::int64_t rows : level.kept) shares.push_back(share(rows, level.rows));
  return shares;
}

std::vector<double> sharing_shares(const LevelTally& level) {
  std::vector<double> shares;
  for (const std::int64_t rows : level.sharing) shares.push_back(share(rows, level.rows));
  return shares;
}

Rows transposed(const Rows& values) {
  Rows result(values.front().size(), std::vector<double>(values.size()));
  for (std::size_t y = 0; y < values.size(); ++y)
    for (std::size_t x = 0; x < values[y].size(); ++x) result[x][y] = values[y][x];
  return result;
}

/// `rows`: the kind of the rows, "token" or "segment".
Picture expert_picture(const RoutingTrace& trace, Levels RoutingTally::*levels, const std::string& rows) {
  const std::vector<Panel> panels = language_panels(trace, levels, expert_shares);
  const auto& first = (*trace[index_of(languages_of(trace).front())]).*levels;
  Axes axes{"expert", "", numbers(0, panels.front().values_YX.front().size()), titles_of(languages_of(trace)), 1, {}};
  const std::vector<std::uint8_t>& fixed = first.begin()->second.fixed;
  for (std::size_t e = 0; e < fixed.size(); ++e)
    if (fixed[e] != 0) axes.colorless.push_back(e);
  axes.darkest = highest_of(panels, axes.colorless);
  return heat_map(rows + "_experts",
                  fmt::format("Share of {0}s that each {0} expert processes{1}", rows,
                              axes.colorless.empty() ? "" : " (gray: all, by design)"),
                  axes, panels);
}

Picture position_picture(const Levels& segment, Language language) {
  std::vector<Panel> panels;
  std::size_t positions = 0;
  for (const auto& [layer, level] : segment) positions = std::max(positions, level.positions.size());
  const auto experts = static_cast<std::size_t>(segment.begin()->second.experts);
  for (const auto& [layer, level] : segment) {
    Panel panel{layer_title(layer), Rows(experts, std::vector<double>(positions))};
    for (std::size_t e = 0; e < experts; ++e)
      for (std::size_t p = 0; p < level.positions.size(); ++p)
        panel.values_YX[e][p] = share(level.positions[p].kept[e], level.positions[p].sequences);
    panels.push_back(std::move(panel));
  }
  return heat_map(
      fmt::format("segment_positions_{}", name_of(language)),
      fmt::format("{}: share of sequences whose segment at a position an expert processes", title_of(language)),
      {"position", "expert", numbers(1, positions), numbers(0, experts), highest_of(panels), {}}, panels);
}

Picture sharing_picture(const RoutingTrace& trace) {
  std::vector<Panel> panels = language_panels(trace, &RoutingTally::segment, sharing_shares);
  const std::size_t counts = panels.front().values_YX.front().size();
  for (Panel& panel : panels) panel.values_YX = transposed(panel.values_YX);
  return bar_chart("segment_sharing", "Share of segments by number of experts per segment",
                   {"experts per segment", "share of segments", numbers(0, counts), {}, 1, {}}, panels,
                   titles_of(languages_of(trace)));
}

}  // namespace

std::vector<Picture> routing_pictures(const RoutingTrace& trace) {
  std::vector<Picture> pictures;
  const std::vector<Language> languages = languages_of(trace);
  if (languages.empty()) return pictures;
  const RoutingTally& first = *trace[index_of(languages.front())];
  if (!first.token.empty()) pictures.push_back(expert_picture(trace, &RoutingTally::token, "token"));
  if (first.segment.empty()) return pictures;
  pictures.push_back(expert_picture(trace, &RoutingTally::segment, "segment"));
  for (const Language language : languages)
    pictures.push_back(position_picture(trace[index_of(language)]->segment, language));
  pictures.push_back(sharing_picture(trace));
  return pictures;
}

}  // namespace multipl_moe
