#include "bench/learn/pictures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

namespace moe_bench {

namespace {

using multipl_moe::Picture;
using multipl_moe::plot_text;
using Strategies = std::vector<StrategySummary>;

constexpr const char* ink = "#b2182b";
constexpr const char* gray = "#c4c4c4";

/// Panels of one size in rows and columns, with margins; all in pixels.
struct Panels {
  int count, columns, width, height;
  int left, right, top, bottom, gap_x, gap_y;

  int rows() const { return (count + columns - 1) / columns; }
  int whole_width() const { return left + columns * (width + gap_x) - gap_x + right; }
  int whole_height() const { return top + rows() * (height + gap_y) - gap_y + bottom; }
  bool is_leftmost(int panel) const { return panel % columns == 0; }
  bool is_lowest(int panel) const { return panel + columns >= count; }

  /// Begins the picture, with a title above all panels.
  std::string begin(const std::string& title) const {
    const double w = whole_width(), h = whole_height();
    return fmt::format(
        "set multiplot layout {},{} margins screen {:.5f},{:.5f},{:.5f},{:.5f} spacing screen {:.5f},{:.5f}\n"
        "set label 1 {} at screen 0.5,{:.5f} center font 'DejaVu Sans,13' front\n",
        rows(), columns, left / w, 1 - right / w, bottom / h, 1 - top / h, gap_x / w, gap_y / h, plot_text(title),
        1 - 18 / h);
  }
};

/// The distance of 1, 2 or 5 times a power of ten at which `span` has at most `most` tics, whose labels then stay
/// apart.
double tic_distance(double span, int most) {
  if (!(span > 0) || !std::isfinite(span)) return 1;
  const double least = span / most, power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  return 10 * power;
}
/// Labels of axes are four or five digits wide, and as much apart.
constexpr int pixels_of_label = 60;

/// The name of a strategy, with * if it is not causal: its results may benefit from later tokens.
std::string shown(const StrategySummary& strategy) { return strategy.name + (strategy.causal ? "" : " *"); }

Picture framed(std::string name, const Panels& panels) {
  return {.name = std::move(name),
          .width = panels.whole_width(),
          .height = panels.whole_height(),
          .data = {},
          .commands = {}};
}

// --- learning curves ------------------------------------------------------------------------------------------------

/// From the best final loss to the losses after a third of the training: before that all curves fall in the same way.
std::pair<double, double> span_of_curves(const Strategies& strategies) {
  double low = INFINITY, high = -INFINITY;
  for (const StrategySummary& strategy : strategies) {
    for (const CurvePoint& point : strategy.curve) low = std::min(low, point.held_out.mean);
    if (!strategy.curve.empty()) high = std::max(high, strategy.curve[strategy.curve.size() / 3].held_out.mean);
  }
  if (!(low < high)) return {low - 0.5, low + 0.5};
  return {low - 0.05 * (high - low), high};
}

/// Label with the final value of a curve.
std::string end_label(const StrategySummary& strategy) {
  if (strategy.curve.empty()) return "unset label 2\n";
  return fmt::format("set label 2 '{:.3f}' at graph 0.96,0.88 right tc rgb '{}' front\n",
                     strategy.curve.back().held_out.mean, ink);
}

using XOf = std::function<double(const CurvePoint&)>;

Picture learning_picture(const std::string& name, const std::string& title, const std::string& x_label,
                         const Strategies& strategies, const XOf& x_of) {
  const auto count = static_cast<int>(strategies.size());
  const Panels panels{.count = count,
                      .columns = std::min(count, 5),
                      .width = 210,
                      .height = 150,
                      .left = 66,
                      .right = 20,
                      .top = 66,
                      .bottom = 58,
                      .gap_x = 14,
                      .gap_y = 34};
  Picture picture = framed(name, panels);
  double x_end = 0;
  for (int i = 0; i < count; ++i) {
    picture.data += fmt::format("$c{} << EOD\n", i);
    for (const CurvePoint& point : strategies[static_cast<std::size_t>(i)].curve) {
      const double mean = point.held_out.mean,
                   d = std::isfinite(point.held_out.deviation) ? point.held_out.deviation : 0;
      picture.data += fmt::format("{:.6g} {:.6g} {:.6g} {:.6g}\n", x_of(point), mean, mean - d, mean + d);
      x_end = std::max(x_end, x_of(point));
    }
    picture.data += "EOD\n";
  }
  const auto [low, high] = span_of_curves(strategies);
  picture.commands = panels.begin(title) +
                     fmt::format(
                         "unset key\nset xrange [0:{:.6g}]\nset yrange [{:.6g}:{:.6g}]\n"
                         "set tics out nomirror scale 0.5\nset xtics {:.6g} offset 0,0.3 font "
                         "',9'\nset ytics {:.6g} font ',9'\nset grid lt 1 lw 0.5 lc rgb '#eeeeee'\n",
                         x_end > 0 ? 1.02 * x_end : 1, low, high, tic_distance(x_end, panels.width / pixels_of_label),
                         tic_distance(high - low, panels.height / 25));
  for (int i = 0; i < count; ++i) {
    picture.commands +=
        fmt::format("set title {} offset 0,-0.7\n", plot_text(shown(strategies[static_cast<std::size_t>(i)])));
    picture.commands += panels.is_leftmost(i) ? "set ylabel 'bits per byte' offset 1,0\nset format y '%g'\n"
                                              : "unset ylabel\nset format y ''\n";
    picture.commands += panels.is_lowest(i)
                            ? fmt::format("set xlabel {} offset 0,0.6\nset format x '%g'\n", plot_text(x_label))
                            : "unset xlabel\nset format x ''\n";
    picture.commands += end_label(strategies[static_cast<std::size_t>(i)]) + "plot ";
    for (int other = 0; other < count; ++other)
      if (other != i) picture.commands += fmt::format("$c{} using 1:2 with lines lw 0.8 lc rgb '{}', ", other, gray);
    picture.commands += fmt::format(
        "$c{0} using 1:3:4 with filledcurves fs transparent solid 0.25 noborder lc rgb '{1}', "
        "$c{0} using 1:2 with linespoints pt 7 ps 0.35 lw 1.8 lc rgb '{1}'\n",
        i, ink);
    if (i == 0) picture.commands += "unset label 1\n";
  }
  picture.commands += "unset multiplot\n";
  return picture;
}

// --- loads ----------------------------------------------------------------------------------------------------------

/// Loads above this have the same color.
constexpr double darkest_load = 4;

Picture load_picture(const Strategies& strategies) {
  Strategies routed;
  for (const StrategySummary& strategy : strategies)
    if (!strategy.levels.empty()) routed.push_back(strategy);
  if (routed.empty()) return {};
  const auto count = static_cast<int>(routed.size());
  const Panels panels{.count = count,
                      .columns = std::min(count, 4),
                      .width = 210,
                      .height = 170,
                      .left = 92,
                      .right = 110,
                      .top = 66,
                      .bottom = 58,
                      .gap_x = 92,
                      .gap_y = 34};
  Picture picture = framed("loads", panels);
  const double w = panels.whole_width(), h = panels.whole_height();
  picture.commands =
      panels.begin("load of each expert, by level and layer: share of the pairs as a multiple of an even share") +
      fmt::format(
          "unset key\nset tics out nomirror scale 0.4\nset xtics font ',9'\n"
          "set palette defined (0 '#2166ac', 0.5 '#92c5de', 1 '#f7f7f7', 2 '#f4a582', {0} '#b2182b')\n"
          "set cbrange [0:{0}]\nset cblabel 'x even' offset 0.8,0\nset format cb '%g'\n"
          "set colorbox user origin screen {1:.5f},{2:.5f} size screen {3:.5f},{4:.5f}\n",
          darkest_load, 1 - 88 / w, panels.bottom / h, 14 / w, 1 - (panels.top + panels.bottom) / h);
  for (int i = 0; i < count; ++i) {
    const StrategySummary& strategy = routed[static_cast<std::size_t>(i)];
    picture.data += fmt::format("$l{} << EOD\n", i);
    std::string tics, borders;
    std::size_t experts = 0;
    for (const LevelHistory& level : strategy.levels) {
      const std::size_t of_level = level.load_SE.front().size();
      for (std::size_t e = 0; e < of_level; ++e) {
        for (const auto& load_E : level.load_SE)
          picture.data += fmt::format("{:.4g} ", std::min(load_E[e], darkest_load));
        picture.data += '\n';
      }
      tics +=
          fmt::format("{}{} {}", experts == 0 ? "" : ", ", plot_text(fmt::format("{} {}", level.level, level.layer)),
                      static_cast<double>(experts) + (static_cast<double>(of_level) - 1) / 2);
      if (experts > 0)
        borders +=
            fmt::format("set arrow from graph 0, first {0} to graph 1, first {0} nohead front lw 1.2 lc rgb 'black'\n",
                        static_cast<double>(experts) - 0.5);
      experts += of_level;
    }
    picture.data += "EOD\n";
    const LevelHistory& first = strategy.levels.front();
    const double cell = static_cast<double>(first.steps.back()) / static_cast<double>(first.steps.size());
    picture.commands += fmt::format(
        "set title {} offset 0,-0.7\nset xtics {:.6g}\nset xrange [0:{}]\nset yrange [{}:-0.5]\nset ytics ({}) scale "
        "0\nunset arrow\n{}{}"
        "plot $l{} matrix using (($1+0.5)*{:.6g}):2:3 with image\n",
        plot_text(shown(strategy)),
        tic_distance(static_cast<double>(first.steps.back()), panels.width / pixels_of_label), first.steps.back(),
        static_cast<double>(experts) - 0.5, tics, borders,
        panels.is_lowest(i) ? "set xlabel 'step' offset 0,0.6\nset format x '%g'\n" : "unset xlabel\nset format x ''\n",
        i, cell);
    if (i == 0) picture.commands += "unset label 1\nunset colorbox\n";
  }
  picture.commands += "unset multiplot\n";
  return picture;
}

// --- results --------------------------------------------------------------------------------------------------------

struct Column {
  std::string title;
  std::function<Statistic(const StrategySummary&)> value_of;
};

/// From the lowest mean minus its deviation to the highest mean plus its deviation.
double span_of(const Strategies& strategies, const std::function<Statistic(const StrategySummary&)>& value_of) {
  double low = INFINITY, high = -INFINITY;
  for (const StrategySummary& strategy : strategies) {
    const Statistic value = value_of(strategy);
    const double d = std::isfinite(value.deviation) ? value.deviation : 0;
    if (!std::isfinite(value.mean)) continue;
    low = std::min(low, value.mean - d);
    high = std::max(high, value.mean + d);
  }
  return high - low;
}

/// Seeds as small dots, means with one deviation to both sides; hollow if the strategy is not causal.
Picture result_picture(const Strategies& strategies, Times times) {
  std::vector<Column> columns{{"held-out bits per byte", [](const StrategySummary& s) { return s.bits_per_byte; }}};
  if (times == Times::shown)
    columns.push_back({"thousand tokens/s in training", [](const StrategySummary& s) {
                         return Statistic{s.tokens_per_second.mean / 1e3, s.tokens_per_second.deviation / 1e3,
                                          s.tokens_per_second.count};
                       }});
  columns.push_back({"busiest expert / mean", [](const StrategySummary& s) {
                       return Statistic{s.peak.value_or(NAN), NAN, s.peak ? std::size_t{1} : 0};
                     }});
  const auto count = static_cast<int>(strategies.size());
  const Panels panels{.count = static_cast<int>(columns.size()),
                      .columns = static_cast<int>(columns.size()),
                      .width = 250,
                      .height = std::max(60, 20 * count),
                      .left = 196,
                      .right = 24,
                      .top = 44,
                      .bottom = 56,
                      .gap_x = 34,
                      .gap_y = 0};
  Picture picture = framed("results", panels);
  picture.data = "$seeds << EOD\n";
  std::string names, blanks;
  for (int i = 0; i < count; ++i) {
    const StrategySummary& strategy = strategies[static_cast<std::size_t>(i)];
    for (const double bits : strategy.bits_per_byte_by_seed) picture.data += fmt::format("{:.6g} {}\n", bits, i);
    names += fmt::format("{}{} {}", i == 0 ? "" : ", ", plot_text(shown(strategy)), i);
    blanks += fmt::format("{}'' {}", i == 0 ? "" : ", ", i);
  }
  picture.data += "EOD\n";
  for (std::size_t c = 0; c < columns.size(); ++c)
    for (const bool causal : {true, false}) {
      picture.data += fmt::format("${}{} << EOD\n", causal ? "causal" : "ahead", c);
      for (int i = 0; i < count; ++i) {
        const StrategySummary& strategy = strategies[static_cast<std::size_t>(i)];
        const Statistic value = columns[c].value_of(strategy);
        if (strategy.causal == causal && std::isfinite(value.mean))
          picture.data +=
              fmt::format("{:.6g} {} {:.6g}\n", value.mean, i, std::isfinite(value.deviation) ? value.deviation : 0);
      }
      // A block without a point is an error in gnuplot.
      picture.data += "NaN NaN NaN\nEOD\n";
    }
  picture.commands =
      panels.begin("strategies, best held-out loss first; * and a hollow mark: not causal") +
      fmt::format(
          "unset key\nset yrange [{}.5:-0.5]\nset tics out nomirror scale 0.4\nset xtics font ',9'\n"
          "set grid xtics ytics lt 1 lw 0.5 lc rgb '#e6e6e6'\nset offsets graph 0.04, graph 0.04, 0, 0\n",
          count - 1);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    picture.commands += fmt::format(
        "set xlabel {} offset 0,0.4\nset xtics {:.6g}\nset ytics ({}) scale 0\n", plot_text(columns[c].title),
        tic_distance(span_of(strategies, columns[c].value_of), panels.width / pixels_of_label),
        c == 0 ? names : blanks);
    picture.commands += "plot ";
    if (c == 0) picture.commands += fmt::format("$seeds using 1:2 with points pt 7 ps 0.35 lc rgb '{}', ", "#888888");
    picture.commands += fmt::format(
        "$causal{0} using 1:2:3 with xerrorbars pt 7 ps 0.8 lw 1.4 lc rgb '{1}', "
        "$ahead{0} using 1:2:3 with xerrorbars pt 6 ps 0.8 lw 1.4 lc rgb '{1}'\n",
        c, ink);
    if (c == 0) picture.commands += "unset label 1\n";
  }
  picture.commands += "unset multiplot\n";
  return picture;
}

// --- quality against cost -------------------------------------------------------------------------------------------

double milliseconds_of(const StrategySummary& strategy) { return 1e6 / strategy.tokens_per_second.mean; }

/// Lower and further left is better; a line joins the Pareto front. Points are numbered by loss, and the names are in
/// the key at the side, where there is space for them.
Picture cost_picture(const Strategies& best_first) {
  const std::vector<std::string> worth = worth_their_cost(best_first);
  Picture picture{.name = "cost",
                  .width = 960,
                  .height = std::max(420, 19 * static_cast<int>(best_first.size()) + 120),
                  .data = {},
                  .commands = {}};
  std::string plots, front;
  for (std::size_t i = 0; i < best_first.size(); ++i) {
    const StrategySummary& strategy = best_first[i];
    const double d = std::isfinite(strategy.bits_per_byte.deviation) ? strategy.bits_per_byte.deviation : 0;
    picture.data += fmt::format("$s{} << EOD\n{:.6g} {:.6g} {:.6g}\nEOD\n", i, milliseconds_of(strategy),
                                strategy.bits_per_byte.mean, d);
    const bool is_worth = std::find(worth.begin(), worth.end(), strategy.name) != worth.end();
    const char* const color = is_worth ? ink : "#777777";
    plots += fmt::format(
        ", $s{0} using 1:2:3 with yerrorbars pt {1} ps 0.9 lw 1.2 lc rgb '{2}' title {3}, "
        "$s{0} using 1:2:(' {4}') with labels left offset 0.4,0.5 font ',9' tc rgb '{2}' notitle",
        i, strategy.causal ? 7 : 6, color, plot_text(fmt::format("{}  {}", i + 1, shown(strategy))), i + 1);
  }
  // worth_their_cost() names the fastest first, which is the order of the line.
  for (const std::string& name : worth)
    for (const StrategySummary& strategy : best_first)
      if (strategy.name == name)
        front += fmt::format("{:.6g} {:.6g}\n", milliseconds_of(strategy), strategy.bits_per_byte.mean);
  picture.data += fmt::format("$front << EOD\n{}EOD\n", front);
  const double span = span_of(best_first, [](const StrategySummary& s) {
    return Statistic{milliseconds_of(s), NAN, 1};
  });
  picture.commands = fmt::format(
      "set title 'quality against cost: lower and further left is better; * and a hollow mark: not causal'\n"
      "set xlabel 'milliseconds of training a thousand tokens'\nset ylabel 'held-out bits per byte'\n"
      "set key outside right top Left reverse samplen 1 font ',9'\nset tics out nomirror scale 0.5\nset xtics {:.6g}\n"
      "set grid lt 1 lw 0.5 lc rgb '#eeeeee'\nset offsets graph 0.06, graph 0.06, graph 0.06, graph 0.06\n"
      "plot $front using 1:2 with lines lw 1 dt 2 lc rgb '{}' title 'Pareto front'{}\n",
      tic_distance(span, 6), ink, plots);
  return picture;
}

}  // namespace

std::vector<Picture> study_pictures(const Strategies& best_first, Times times) {
  if (best_first.empty()) return {};
  std::vector<Picture> pictures;
  pictures.push_back(result_picture(best_first, times));
  if (times == Times::shown) pictures.push_back(cost_picture(best_first));
  pictures.push_back(learning_picture(
      "learning_by_tokens", "loss on the development text by tokens read; number: final loss; gray: all others",
      "thousand tokens", best_first, [](const CurvePoint& p) { return static_cast<double>(p.tokens) / 1e3; }));
  if (times == Times::shown)
    pictures.push_back(
        learning_picture("learning_by_seconds",
                         "loss on the development text by seconds of training; number: final loss; gray: all others",
                         "seconds", best_first, [](const CurvePoint& p) { return p.seconds; }));
  Picture loads = load_picture(best_first);
  if (!loads.name.empty()) pictures.push_back(std::move(loads));
  return pictures;
}

}  // namespace moe_bench
