/// A study as a page that is read in five minutes.
#pragma once

#include <string>
#include <vector>

#include "bench/learn/record.hpp"
#include "bench/learn/summary.hpp"

namespace moe_bench {

/// What the figures say, one sentence or two each: best at equal tokens, best at equal time, worth its cost, against
/// the controls, balance, and what looks ahead or failed; only what there are figures for.
std::vector<std::string> findings_of(const std::vector<StrategySummary>& strategies);

/// Markdown: what was compared and how, findings, tables, pictures (which lie in the folder `pictures` beside the
/// page). `command` is what was run.
std::string study_page(const StudySetup& setup, const std::vector<StrategySummary>& strategies,
                       const std::string& command, const std::string& pictures);

}  // namespace moe_bench
