/// Runs beside each other: what differs, how they went, and their curves.
#pragma once

#include <string>
#include <vector>

#include "multipl_moe/report/gnuplot.hpp"
#include "multipl_moe/report/run_record.hpp"

namespace multipl_moe {

/// Markdown: a table of results, one of settings that differ (all of them for one run), one of the machines and data.
/// The mean loss is over the run's last tenth; the time is the run's tokens by its last tokens per second.
std::string report_text(const std::vector<RunRecord>& runs);

/// step,run,loss,auxiliary,learning_rate,gradient_norm,tokens_per_second,skipped: a line for each step, run after run.
/// What was not finite is an empty field; skipped is 0 or 1.
std::string metrics_csv(const std::vector<RunRecord>& runs);

/// step,run,language,loss: a line for each language of each step that was evaluated; empty where no run has one.
std::string held_out_csv(const std::vector<RunRecord>& runs);

/// loss, gnorm; held_out where a run was evaluated: a single run's languages, else each run's mean; load where a run
/// has routers. In all but held_out every step faint, and the mean of the last steps over it, as many as
/// smoothing_window() says.
std::vector<Picture> run_pictures(const std::vector<RunRecord>& runs);

/// A twentieth of the run's steps, 1 at least.
std::size_t smoothing_window(std::size_t steps);
/// For each value the mean of the finite ones among it and the `window` - 1 before it; NaN where none is.
std::vector<double> smoothed(const std::vector<double>& values, std::size_t window);

}  // namespace multipl_moe
