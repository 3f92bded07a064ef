/// A study as pictures.
#pragma once

#include <vector>

#include "bench/learn/summary.hpp"
#include "multipl_moe/report/gnuplot.hpp"

namespace moe_bench {

/// Of strategies with figures, best first: learning_by_tokens, learning_by_seconds (held-out loss, one panel a strategy
/// before the curves of all others), loads (experts by steps, one panel a strategy; left out where nothing is routed)
/// and results (held-out loss, speed and balance, one line a strategy).
std::vector<multipl_moe::Picture> study_pictures(const std::vector<StrategySummary>& best_first);

}  // namespace moe_bench
