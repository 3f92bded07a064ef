#include "multipl_moe/reproduce/status_items.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/reproduce/row_chart.hpp"
#include "multipl_moe/reproduce/run_stage.hpp"
#include "multipl_moe/reproduce/score_matrix.hpp"
#include "multipl_moe/reproduce/systems.hpp"
#include "multipl_moe/reproduce/table_file.hpp"
#include "multipl_moe/statistics/paired.hpp"

namespace multipl_moe::reproduce {

namespace {

using OutcomesBySeed = std::map<std::uint64_t, OutcomeShares>;

/// The mean over seeds by outcome; empty if a seed has no programs in the language.
std::vector<double> mean_outcomes(const OutcomesBySeed& runs, Language language) {
  std::vector<double> means(outcome_names.size());
  for (const auto& [seed, shares] : runs) {
    const std::vector<double>& of_language = shares[index_of(language)];
    if (of_language.empty()) return {};
    for (std::size_t i = 0; i < means.size(); ++i) means[i] += of_language[i] / static_cast<double>(runs.size());
  }
  return means;
}

/// The systems that have outcomes, in the order of tables.
std::vector<std::string> systems_of(const AllOutcomes& outcomes) {
  std::vector<std::string> names;
  for (const auto& [name, title] : all_models())
    if (outcomes.contains(name)) names.emplace_back(name);
  return names;
}

}  // namespace

OutcomeShares parse_outcomes(std::string_view text, const std::filesystem::path& path) {
  OutcomeShares counts{};
  for_each_row(text, path,
               "benchmark,language,k,pass_at_k,low95,high95,pass_at_k_multipl_e,problems,samples,ok,wrong,syntax_error,"
               "timeout,out_of_memory,output_limit,early_exit,truncated,cannot_pass,first_timeouts",
               [&](const TableRow& row) {
                 // A line for each k repeats the counts.
                 if (row.count(2) != 1) return;
                 std::vector<double>& of_language = counts[index_of(row.language(1))];
                 of_language.resize(outcome_names.size());
                 constexpr std::size_t first = 9, limits = 13, after_limits = 16;
                 for (std::size_t column = first; column < after_limits; ++column)
                   of_language[std::min(column, limits) - first] += static_cast<double>(row.count(column));
               });
  for (std::vector<double>& of_language : counts) {
    double samples = 0;
    for (const double count : of_language) samples += count;
    for (double& count : of_language) count *= 100 / samples;
    if (!of_language.empty() && samples == 0) throw BadFile(path, "must have programs in each language, found none");
  }
  return counts;
}

AllOutcomes read_outcomes(const Plan& plan, const std::filesystem::path& folder) {
  AllOutcomes outcomes;
  for (const Stage& stage : plan.stages) {
    const auto of_run = run_stage_of(stage);
    if (!of_run || of_run->step != "scores" || stage.prints) continue;
    const std::filesystem::path file = folder / stage.output / "summary.csv";
    constexpr std::uint64_t largest_summary = 1 << 20;
    outcomes[of_run->system][of_run->seed] = parse_outcomes(read_whole_file(file, largest_summary), file);
  }
  return outcomes;
}

std::vector<Item> status_items(const AllOutcomes& outcomes) {
  if (outcomes.empty()) return {};
  Item item{
      .name = "statuses",
      .title = "Why programs fail: outcomes by language",
      .note =
          "Shares of all programs in percent, means over seeds. Wrong: a failed test or an error; other limits: "
          "of memory or output, or a program that ended before its tests.",
      .made_of = "exercises/seed-*/*/scores/summary.csv; results.jsonl beside it has the messages of each program",
      .columns = {"system", "language"},
      .rows = {},
      .csv = "system,language,outcome,mean,seeds\n",
      .picture = {}};
  RowChart chart{.name = item.name,
                 .title = item.title,
                 .x_label = "programs, %",
                 .kind = RowChart::Kind::stacked,
                 .rows = {},
                 .series = {outcome_names.begin(), outcome_names.end()},
                 .panels = {},
                 .colors = {"228833", "ccbb44", "ee8866", "4477aa", "aa3377"}};
  item.columns.insert(item.columns.end(), outcome_names.begin(), outcome_names.end());
  const std::vector<std::string> names = systems_of(outcomes);
  for (const std::string& name : names) chart.rows.push_back(title_of_system(name));
  for (const Language language : all_languages) {
    ChartPanel panel{.title = std::string(title_of(language)), .bars_RS = {}, .papers_R = {}};
    for (const std::string& name : names) {
      const OutcomesBySeed& runs = outcomes.at(name);
      const std::vector<double> means = mean_outcomes(runs, language);
      panel.bars_RS.emplace_back(outcome_names.size());
      if (means.empty()) continue;
      item.rows.push_back({{title_of_system(name), std::string(title_of(language))}});
      for (std::size_t i = 0; i < means.size(); ++i) {
        panel.bars_RS.back()[i] = ChartBar{.value = means[i], .low = {}, .high = {}, .dots = {}};
        item.rows.back().cells.push_back(fmt::format("{:.1f}", means[i]));
        item.csv += fmt::format("{},{},{},{:.6g},", name, name_of(language), outcome_names[i], means[i]);
        std::string values;
        for (const auto& [seed, shares] : runs)
          values += fmt::format("{}{:.6g}", values.empty() ? "" : " ", shares[index_of(language)][i]);
        item.csv += values + "\n";
      }
    }
    chart.panels.push_back(std::move(panel));
  }
  item.picture = row_chart(chart);
  return {item};
}

}  // namespace multipl_moe::reproduce
