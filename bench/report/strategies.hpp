/// Output formats of the strategies' results: table and Markdown to read, csv and jsonl for programs.
#pragma once

#include <string>
#include <vector>

#include "bench/report/report.hpp"
#include "bench/strategies/result.hpp"

namespace moe_bench {

struct StrategyReport {
  Machine machine;
  std::string backend, input;
  RunPlan plan;
  std::vector<StrategyResult> results;
};

/// Two tables, of time and of routing, and a few lines that explain their columns.
std::string as_table(const StrategyReport& report);
/// The same tables in Markdown.
std::string as_markdown(const StrategyReport& report);
/// A line of column names, then one for each strategy; values that do not apply are empty.
std::string as_csv(const StrategyReport& report);
/// A line that describes the machine and the run, then one for each strategy.
std::string as_jsonl(const StrategyReport& report);

}  // namespace moe_bench
