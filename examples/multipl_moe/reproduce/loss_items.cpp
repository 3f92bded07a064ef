#include "multipl_moe/reproduce/loss_items.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

#include "multipl_moe/report/panel_grid.hpp"
#include "multipl_moe/report/run_record.hpp"
#include "multipl_moe/report/run_report.hpp"
#include "multipl_moe/reproduce/row_chart.hpp"
#include "multipl_moe/reproduce/run_stage.hpp"
#include "multipl_moe/reproduce/score_matrix.hpp"
#include "multipl_moe/statistics/paired.hpp"

namespace multipl_moe::reproduce {

namespace {

/// A point of a curve: the mean loss of the steps before it.
struct LossPoint {
  std::int64_t step = 0;
  double loss = 0;
};

/// The trainings of one system, by seed.
struct SystemLosses {
  std::string name;
  std::map<std::uint64_t, std::vector<LossPoint>> seeds;
};

/// The trainings that share a panel.
struct LossPanel {
  std::string track, title;
  std::vector<SystemLosses> systems;
};

/// The moving mean over a twentieth of the steps, thinned to what a picture shows.
std::vector<LossPoint> curve_of(const RunRecord& run) {
  constexpr std::size_t most_points = 120;
  std::vector<double> losses;
  for (const StepMetrics& step : run.steps) losses.push_back(step.loss);
  const std::size_t window = smoothing_window(losses.size());
  const std::vector<double> means = smoothed(losses, window);
  const std::size_t stride = std::max<std::size_t>(1, (means.size() + most_points - 1) / most_points);
  std::vector<LossPoint> points;
  // From the first whole window on: what is before it would take most of the height.
  for (std::size_t i = window - 1; i < means.size(); ++i)
    if (((means.size() - 1 - i) % stride == 0) && std::isfinite(means[i]))
      points.push_back({run.steps[i].step, means[i]});
  return points;
}

/// The panel and the system that a training belongs to, which are added if they are new.
SystemLosses& losses_of(std::vector<LossPanel>& panels, const RunStage& run) {
  const std::string title = fmt::format(
      "{}: {}", run.track, run.system == "base" ? "pretraining of the base" : "post-pretraining of systems");
  auto panel = std::find_if(panels.begin(), panels.end(), [&](const LossPanel& p) { return p.title == title; });
  if (panel == panels.end()) panel = panels.insert(panels.end(), {run.track, title, {}});
  auto& systems = panel->systems;
  auto system = std::find_if(systems.begin(), systems.end(), [&](const auto& s) { return s.name == run.system; });
  if (system == systems.end()) system = systems.insert(systems.end(), {run.system, {}});
  return *system;
}

std::vector<LossPanel> read_losses(const Plan& plan, const std::filesystem::path& folder) {
  std::vector<LossPanel> panels;
  for (const Stage& stage : plan.stages)
    if (const auto run = run_stage_of(stage); run && run->step == "run")
      losses_of(panels, *run).seeds[run->seed] = curve_of(read_run(folder / stage.output));
  return panels;
}

/// With more systems than this, a line for each training could not be followed.
constexpr std::size_t most_with_trainings = 6;

/// The lines of a system: its trainings or, for one of many systems, their mean at the steps that all have.
std::vector<std::vector<LossPoint>> lines_of(const SystemLosses& system, bool is_of_many) {
  std::vector<std::vector<LossPoint>> lines;
  if (!is_of_many) {
    for (const auto& [seed, points] : system.seeds) lines.push_back(points);
    return lines;
  }
  std::map<std::int64_t, std::vector<double>> losses;
  for (const auto& [seed, points] : system.seeds)
    for (const LossPoint& point : points) losses[point.step].push_back(point.loss);
  lines.emplace_back();
  for (const auto& [step, of_step] : losses)
    if (of_step.size() == system.seeds.size()) lines.back().push_back({step, statistics::mean_of(of_step)});
  return lines;
}

/// One panel below the other, each with its legend beside it.
Picture picture_of(const Item& item, const std::vector<LossPanel>& panels) {
  std::size_t most = 0, longest = 0;
  for (const LossPanel& panel : panels) {
    most = std::max(most, panel.systems.size());
    for (const SystemLosses& system : panel.systems) longest = std::max(longest, title_of_system(system.name).size());
  }
  constexpr int letter = 8, legend_line = 90;
  PanelGrid grid{
      .left = 70, .right = legend_line + letter * static_cast<int>(longest), .top = 64, .bottom = 56, .gap_y = 76};
  grid.arrange(panels.size(), 1);
  grid.panel_width = 540;
  grid.panel_height = std::max(240, static_cast<int>(18 * most));
  Picture picture{.name = item.name, .width = grid.width(), .height = grid.height(), .data = {}, .commands = {}};
  picture.commands = grid.title(item.title) +
                     "set xlabel 'step' offset 0,0.4\nset ylabel 'nats per token'\nset tics out nomirror scale 0.4\n"
                     "set border 3 lc rgb '#888888'\nset xtics tc rgb 'black'\nset ytics tc rgb 'black'\n"
                     "set grid lt 1 lw 1 lc rgb '#dddddd'\n";
  for (std::size_t p = 0; p < panels.size(); ++p) {
    std::string plots;
    for (std::size_t s = 0; s < panels[p].systems.size(); ++s) {
      const SystemLosses& system = panels[p].systems[s];
      bool is_first = true;
      std::size_t line = 0;
      for (const std::vector<LossPoint>& points : lines_of(system, panels[p].systems.size() > most_with_trainings)) {
        const std::string block = fmt::format("curve{}_{}_{}", p, s, line++);
        picture.data += fmt::format("${} << EOD\n", block);
        for (const LossPoint& point : points) picture.data += fmt::format("{} {:.4g}\n", point.step, point.loss);
        picture.data += points.empty() ? "NaN NaN\nEOD\n" : "EOD\n";
        plots += fmt::format("{}${} using 1:2 with lines lw 1.5 dt {} lc rgb '#{}' {}", plots.empty() ? "" : ", ",
                             block, 1 + s / std::size(series_colors), series_colors[s % std::size(series_colors)],
                             is_first ? "title " + plot_text(title_of_system(system.name)) : "notitle");
        is_first = false;
      }
    }
    picture.commands +=
        grid.margins(static_cast<int>(p)) + fmt::format(
                                                "set key at graph 1.03,1 left top vertical maxcols 1 Left reverse "
                                                "samplen 1.6\nset title {} offset 0,-0.6\nplot {}\n",
                                                plot_text(panels[p].title), plots);
    if (p == 0) picture.commands += "unset label 1\n";
  }
  picture.commands += "unset multiplot\n";
  return picture;
}

}  // namespace

std::vector<Item> loss_items(const Plan& plan, const std::filesystem::path& folder) {
  const std::vector<LossPanel> panels = read_losses(plan, folder);
  if (panels.empty()) return {};
  Item item{.name = "losses",
            .title = "Losses of the trainings",
            .note =
                "A line for each training or, beside many systems, the mean over seeds: moving means over a twentieth "
                "of the steps, on training text. Losses of systems that train on the same text are comparable; the "
                "table has the mean over seeds at the last step.",
            .made_of = "*/seed-*/*/run/metrics.jsonl",
            .columns = {"track", "system", "trainings", "last loss, nats per token"},
            .rows = {},
            .csv = "track,system,seed,step,loss\n",
            .picture = {}};
  for (const LossPanel& panel : panels)
    for (const SystemLosses& system : panel.systems) {
      Cell last;
      for (const auto& [seed, points] : system.seeds) {
        if (!points.empty()) last.values.push_back(points.back().loss);
        for (const LossPoint& point : points)
          item.csv += fmt::format("{},{},{},{},{:.6g}\n", panel.track, system.name, seed, point.step, point.loss);
      }
      item.rows.push_back({{panel.track, title_of_system(system.name), fmt::to_string(system.seeds.size()),
                            cell_text(last, Track::text)}});
    }
  item.picture = picture_of(item, panels);
  return {item};
}

}  // namespace multipl_moe::reproduce
