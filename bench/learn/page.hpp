/// The Markdown page of a study.
#pragma once

#include <string>
#include <vector>

#include "bench/learn/record.hpp"
#include "bench/learn/summary.hpp"

namespace moe_bench {

/// The findings, one or two sentences each: best at equal tokens, best at equal time, worth their cost, comparison with
/// the controls, balance, non-causal strategies, failures. Findings without results are left out.
std::vector<std::string> findings_of(const std::vector<StrategySummary>& strategies, Times times = Times::shown);

/// Markdown: findings, what was compared and how, tables, pictures (in the folder `pictures` next to the page).
/// `command` has the commands that were run.
std::string study_page(const StudySetup& setup, const std::vector<StrategySummary>& strategies,
                       const std::string& command, const std::string& pictures, Times times = Times::shown);

}  // namespace moe_bench
