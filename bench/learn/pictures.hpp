/// Pictures of a study.
#pragma once

#include <vector>

#include "bench/learn/summary.hpp"
#include "multipl_moe/report/gnuplot.hpp"

namespace moe_bench {

/// Pictures of the strategies with results, best first: results (held-out loss, speed and balance, one line per
/// strategy), cost (held-out loss by training time), learning_by_tokens and learning_by_seconds (held-out loss, one
/// panel per strategy with the curves of all others behind it), and loads (experts by steps, one panel per strategy;
/// left out if nothing is routed). Without times there is no speed in results, no cost and no learning_by_seconds.
std::vector<multipl_moe::Picture> study_pictures(const std::vector<StrategySummary>& best_first,
                                                 Times times = Times::shown);

}  // namespace moe_bench
