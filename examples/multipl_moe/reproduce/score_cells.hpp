/// Scores of systems in groups of languages: the cells of tables, the bars of figures.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multipl_moe/benchmark/pass_at_k.hpp"
#include "multipl_moe/reproduce/run_scores.hpp"
#include "multipl_moe/reproduce/verdicts.hpp"

namespace multipl_moe::reproduce {

/// The scores of a system by seed.
using SeedScores = std::map<std::uint64_t, RunScores>;

/// The columns of tables: the languages, then high, low and all.
std::vector<std::string_view> table_groups();

/// The values of the seeds that were scored, in points of pass@1 or in bits per byte.
struct Cell {
  std::vector<double> values;
  std::int64_t problems = 0;  ///< of each seed; 0 if the values are no shares of problems
  double scale = 1;           ///< of values that are sums of so many shares

  /// The sum over `count` languages, of which this is the mean.
  Cell times(double count) const;
};

/// The mean over the languages of `group`.
Cell cell_of(const SeedScores& runs, std::string_view group, Track track);

/// Whether problem number `problem` of a run counts.
using ProblemFilter = std::function<bool(const ExerciseScores& scores, std::size_t problem)>;
/// The same of exercises, over the problems that count; empty if there are none.
Cell cell_of(const SeedScores& runs, std::string_view group, const ProblemFilter& counts);

/// The title of a row, with the number of its seeds if it has fewer than planned.
std::string title_with_seeds(std::string_view title, std::size_t seeds, std::size_t planned);

/// Mean and deviation over seeds; "-" without values; for exercises without a success, the share that would give none
/// in 5 % of cases.
std::string cell_text(const Cell& cell, Track track);

/// Wilson's interval of 95 % in points, with the problems as the sample: all seeds answer the same ones. `cell` must
/// have values that are shares of problems.
benchmark::Interval interval_of(const Cell& cell);

/// Names and titles of the systems that have scores, in the order of tables.
std::vector<std::pair<std::string, std::string>> scored_systems(const AllScores& scores);

}  // namespace multipl_moe::reproduce
