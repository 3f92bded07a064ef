/// Comparison of runs: their results, the settings that differ, and their curves.
#pragma once

#include <string>
#include <vector>

#include "multipl_moe/report/gnuplot.hpp"
#include "multipl_moe/report/run_record.hpp"

namespace multipl_moe {

/// Markdown: a table of results, one of settings that differ (all of them for one run), one of the machines and data.
/// The mean loss is over the run's last tenth; the time is the run's tokens divided by its last tokens per second.
std::string report_text(const std::vector<RunRecord>& runs);

/// step,run,loss,auxiliary,learning_rate,gradient_norm,tokens_per_second,skipped: a line for each step, run after run.
/// Values that were not finite are empty fields; skipped is 0 or 1.
std::string metrics_csv(const std::vector<RunRecord>& runs);

/// step,run,language,loss: a line for each language of each evaluated step; empty if no run has one.
std::string held_out_csv(const std::vector<RunRecord>& runs);

/// Pictures loss and gnorm; held_out if a run was evaluated, with the languages of a single run, else with each run's
/// mean; load if a run has routers. All but held_out show the steps as faint points and the moving average over
/// smoothing_window() steps as a line.
std::vector<Picture> run_pictures(const std::vector<RunRecord>& runs);

/// Window of the moving average: a twentieth of the run's steps, at least 1.
std::size_t smoothing_window(std::size_t steps);
/// Moving average: for each value the mean of the finite ones among it and the `window` - 1 before it; NaN if none is
/// finite.
std::vector<double> smoothed(const std::vector<double>& values, std::size_t window);

}  // namespace multipl_moe
