#include "multipl_moe/report/run_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "multipl_moe/io/csv.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

namespace {

constexpr double no_value = std::numeric_limits<double>::quiet_NaN();
constexpr const char* colors[] = {"4477aa", "ee6677", "228833", "ccbb44", "66ccee", "aa3377", "666666"};

std::vector<double> values_of(const RunRecord& run, double StepMetrics::*member) {
  std::vector<double> values;
  for (const StepMetrics& step : run.steps) values.push_back(step.*member);
  return values;
}

std::string number(double value, const char* missing) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : std::string(missing);
}

/// A cell of a Markdown table: | is escaped, since it would end the cell.
std::string cell(std::string_view text) {
  std::string shown;
  for (const char c : escaped(text)) shown += c == '|' ? "\\|" : std::string(1, c);
  return shown;
}

std::string row_of(const std::vector<std::string>& cells) {
  std::string text = "|";
  for (const std::string& one : cells) text += fmt::format(" {} |", one);
  return text + "\n";
}

std::string table_head(const std::vector<std::string>& names) {
  std::string text = row_of(names) + "|";
  for (std::size_t i = 0; i < names.size(); ++i) text += "---|";
  return text + "\n";
}

std::string value_named(const NamedValues& values, const std::string& name) {
  const auto found = std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == name; });
  return found == values.end() ? "-" : found->second;
}

/// A table with a row for each name in any run; with several runs only rows whose values differ.
std::string differences(const std::vector<RunRecord>& runs, NamedValues RunRecord::*values) {
  std::vector<std::string> names, head{""};
  for (const RunRecord& run : runs) {
    head.push_back(cell(run.name));
    for (const auto& [name, value] : run.*values)
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  std::string rows;
  for (const std::string& name : names) {
    std::vector<std::string> cells{cell(name)};
    for (const RunRecord& run : runs) cells.push_back(cell(value_named(run.*values, name)));
    const bool same = std::all_of(cells.begin() + 1, cells.end(), [&](const auto& c) { return c == cells[1]; });
    if (!same || runs.size() == 1) rows += row_of(cells);
  }
  return rows.empty() ? "None.\n" : table_head(head) + rows;
}

/// The evaluated steps, each with the mean loss over languages.
std::vector<std::pair<std::int64_t, double>> held_out_means(const RunRecord& run) {
  std::vector<std::pair<std::int64_t, double>> means;
  for (const StepMetrics& step : run.steps)
    if (!step.held_out.empty()) means.emplace_back(step.step, mean_of(step.held_out));
  return means;
}

std::string last_held_out(const RunRecord& run) {
  const auto means = held_out_means(run);
  return means.empty() ? "-"
                       : fmt::format("{} (step {})", number(means.back().second, "not finite"), means.back().first);
}

std::vector<std::string> result_cells(const RunRecord& run) {
  const std::vector<double> losses = values_of(run, &StepMetrics::loss);
  const StepMetrics& last = run.steps.back();
  const auto best = std::min_element(run.steps.begin(), run.steps.end(), [](const auto& a, const auto& b) {
    return a.loss < b.loss || (std::isnan(b.loss) && !std::isnan(a.loss));
  });
  const auto skipped = std::count_if(run.steps.begin(), run.steps.end(), [](const auto& s) { return s.skipped; });
  const double tail = smoothed(losses, std::max<std::size_t>(1, losses.size() / 10)).back();
  const auto tokens = run.tokens_per_step();
  const double seconds = tokens && last.tokens_per_second > 0
                             ? static_cast<double>(*tokens * last.step) / last.tokens_per_second
                             : no_value;
  return {cell(run.name),
          std::to_string(last.step),
          number(last.loss, "not finite"),
          number(tail, "not finite"),
          std::isnan(best->loss) ? "not finite" : fmt::format("{:.6g} (step {})", best->loss, best->step),
          std::to_string(skipped),
          tokens ? std::to_string(*tokens * last.step) : "-",
          std::isfinite(last.tokens_per_second) ? short_count(last.tokens_per_second) : "-",
          std::isfinite(seconds) ? short_duration(seconds) : "-"};
}

/// Steps, raw and smoothed values; gnuplot leaves out values that are not numbers.
std::string curve_block(std::size_t number_of_run, const RunRecord& run, double StepMetrics::*member) {
  const std::vector<double> values = values_of(run, member);
  const std::vector<double> means = smoothed(values, smoothing_window(values.size()));
  std::string text = fmt::format("$run{} << EOD\n", number_of_run);
  for (std::size_t i = 0; i < values.size(); ++i)
    text += fmt::format("{} {} {}\n", run.steps[i].step, number(values[i], "?"), number(means[i], "?"));
  return text + "EOD\n";
}

std::string curve_commands(const std::string& title, const std::string& y_label, const char* range) {
  return fmt::format(
      "set title {}\nset xlabel 'step'\nset ylabel {}\nset grid lt 1 lw 1 lc rgb '#dddddd'\nset tics nomirror\n"
      "set datafile missing '?'\nset key top right opaque\n{}\n",
      plot_text(title), plot_text(y_label), range);
}

Picture curves(const std::vector<RunRecord>& runs, const std::string& name, const std::string& title,
               const std::string& y_label, const char* range, double StepMetrics::*member) {
  Picture picture{.name = name, .width = 900, .height = 540, .data = {}, .commands = {}};
  for (std::size_t i = 0; i < runs.size(); ++i) picture.data += curve_block(i, runs[i], member);
  picture.commands = curve_commands(title, y_label, range);
  std::string faint, clear;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const char* const color = colors[i % std::size(colors)];
    faint +=
        fmt::format("{}$run{} using 1:2 with points pt 7 ps 0.5 lc rgb '#a0{}' notitle", i > 0 ? ", " : "", i, color);
    clear += fmt::format(", $run{} using 1:3 with lines lw 2 dt {} lc rgb '#{}' title {}", i, 1 + i / std::size(colors),
                         color, plot_text(runs[i].name));
  }
  picture.commands += "plot " + faint + clear + "\n";
  return picture;
}

/// Curves of held-out losses: the languages of a single run, else each run's mean.
Picture held_out_curves(const std::vector<RunRecord>& runs) {
  Picture picture{.name = "held_out",
                  .width = 900,
                  .height = 540,
                  .data = {},
                  .commands = curve_commands("Loss on held-out text", "nats per token",
                                             "set key outside right top Left reverse\n")};
  std::string plots;
  std::size_t number_of_curve = 0;
  const auto add = [&](const std::string& points, std::string_view title) {
    picture.data += fmt::format("$curve{} << EOD\n{}EOD\n", number_of_curve, points);
    plots += fmt::format("{}$curve{} using 1:2 with linespoints pt 7 ps 0.6 lw 2 dt {} lc rgb '#{}' title {}",
                         plots.empty() ? "" : ", ", number_of_curve, 1 + number_of_curve / std::size(colors),
                         colors[number_of_curve % std::size(colors)], plot_text(title));
    ++number_of_curve;
  };
  if (runs.size() == 1) {
    for (const Language language : all_languages) {
      std::string points;
      for (const StepMetrics& step : runs.front().steps)
        for (const auto& [of, loss] : step.held_out)
          if (of == language) points += fmt::format("{} {}\n", step.step, number(loss, "?"));
      if (!points.empty()) add(points, title_of(language));
    }
  } else {
    for (const RunRecord& run : runs) {
      std::string points;
      for (const auto& [step, mean] : held_out_means(run)) points += fmt::format("{} {}\n", step, number(mean, "?"));
      if (!points.empty()) add(points, run.name);
    }
  }
  picture.commands += "plot " + plots + "\n";
  return picture;
}

bool any_of(const std::vector<RunRecord>& runs, bool (RunRecord::*has)() const) {
  return std::any_of(runs.begin(), runs.end(), [&](const RunRecord& run) { return (run.*has)(); });
}

/// Markdown of a picture; empty if it was not drawn.
std::string picture_if(bool is_there, const char* name, const char* file) {
  return is_there ? fmt::format("![{}]({}.png)\n\n", name, file) : std::string();
}

}  // namespace

std::size_t smoothing_window(std::size_t steps) { return std::max<std::size_t>(1, steps / 20); }

std::vector<double> smoothed(const std::vector<double>& values, std::size_t window) {
  // A window is the end of one block of its length and the beginning of the next. Adding the running sums of both needs
  // no subtraction, which would add rounding errors, and takes a time that does not depend on the window.
  struct Sum {
    double value = 0;
    std::size_t count = 0;

    Sum with(double more) const { return std::isfinite(more) ? Sum{value + more, count + 1} : *this; }
  };
  const std::size_t size = values.size(), length = std::max<std::size_t>(1, window);
  std::vector<Sum> to_end(size);
  for (std::size_t i = size; i-- > 0;)
    to_end[i] = ((i + 1) % length == 0 || i + 1 == size ? Sum{} : to_end[i + 1]).with(values[i]);
  std::vector<double> means;
  Sum from_begin;
  for (std::size_t i = 0; i < size; ++i) {
    from_begin = (i % length == 0 ? Sum{} : from_begin).with(values[i]);
    const bool is_one_block = i % length + 1 == length || i < length;
    const Sum before = is_one_block ? Sum{} : to_end[i + 1 - length];
    const std::size_t count = before.count + from_begin.count;
    means.push_back(count > 0 ? (before.value + from_begin.value) / static_cast<double>(count) : no_value);
  }
  return means;
}

std::string report_text(const std::vector<RunRecord>& runs) {
  const bool has_held_out = any_of(runs, &RunRecord::has_held_out);
  std::vector<std::string> head{
      "run", "steps", "last loss", "mean loss, last tenth", "best loss", "skipped steps", "tokens", "tokens/s", "time"};
  if (has_held_out) head.emplace_back("last held-out loss");
  std::string text = "# Training runs\n\n" + table_head(head);
  for (const RunRecord& run : runs) {
    std::vector<std::string> cells = result_cells(run);
    if (has_held_out) cells.push_back(last_held_out(run));
    text += row_of(cells);
  }
  text +=
      "\nLosses are in nats per token of training text. Tokens/s is the mean since the run's last process started; the "
      "time is all tokens divided by it.\n\n![loss](loss.png)\n\n![gradient norm](gnorm.png)\n\n" +
      picture_if(has_held_out, "held-out loss", "held_out") +
      picture_if(any_of(runs, &RunRecord::has_load), "load", "load") +
      "Points are steps; lines are moving averages over a twentieth of the run's steps. Every number is in "
      "[metrics.csv](metrics.csv).\n\n";
  text +=
      (runs.size() == 1 ? "## Settings\n\n" : "## Settings that differ\n\n") + differences(runs, &RunRecord::settings);
  text += (runs.size() == 1 ? "\n## Machine and data\n\n" : "\n## Differences in machine and data\n\n") +
          differences(runs, &RunRecord::environment);
  return text;
}

std::string metrics_csv(const std::vector<RunRecord>& runs) {
  std::string text = "step,run,loss,auxiliary,learning_rate,gradient_norm,tokens_per_second,skipped\n";
  for (const RunRecord& run : runs) {
    const std::string name = csv_field(run.name);
    for (const StepMetrics& s : run.steps)
      text += fmt::format("{},{},{},{},{},{},{},{}\n", s.step, name, number(s.loss, ""), number(s.auxiliary, ""),
                          number(s.rate, ""), number(s.gradient_norm, ""), number(s.tokens_per_second, ""),
                          s.skipped ? 1 : 0);
  }
  return text;
}

std::string held_out_csv(const std::vector<RunRecord>& runs) {
  std::string text;
  for (const RunRecord& run : runs)
    for (const StepMetrics& step : run.steps)
      for (const auto& [language, loss] : step.held_out)
        text += fmt::format("{},{},{},{}\n", step.step, csv_field(run.name), name_of(language), number(loss, ""));
  return text.empty() ? text : "step,run,language,loss\n" + text;
}

std::vector<Picture> run_pictures(const std::vector<RunRecord>& runs) {
  std::vector<Picture> pictures{curves(runs, "loss", "Loss on training text", "nats per token", "", &StepMetrics::loss),
                                curves(runs, "gnorm", "Norm of the gradient, before clipping", "global norm",
                                       "set yrange [0:*]\n", &StepMetrics::gradient_norm)};
  if (any_of(runs, &RunRecord::has_held_out)) pictures.push_back(held_out_curves(runs));
  if (any_of(runs, &RunRecord::has_load))
    pictures.push_back(curves(runs, "load", "Load of the busiest routed expert, in the layer where it is highest",
                              "load over the mean", "set yrange [1:*]\n", &StepMetrics::busiest_expert));
  return pictures;
}

}  // namespace multipl_moe
