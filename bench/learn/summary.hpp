/// Summaries of a study's runs, one per strategy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/learn/record.hpp"

namespace moe_bench {

/// Whether a page shows speeds, seconds and what follows from them; not if the machine did other work during the study.
enum class Times { shown, left_out };

/// Mean and sample standard deviation of some values. The deviation is NaN for fewer than two values, both are for
/// none.
struct Statistic {
  double mean = 0, deviation = 0;
  std::size_t count = 0;
};
Statistic statistic_of(const std::vector<double>& values);

/// Means over seeds after `tokens` tokens.
struct CurvePoint {
  std::int64_t tokens = 0;
  double seconds = 0;
  Statistic held_out;
};

/// Loads of a level's experts as multiples of an even load, for the first seed only: experts of different seeds are
/// unrelated. `load_SE` has one row for each of `steps`.
struct LevelHistory {
  std::int64_t layer = 0;
  std::string level;
  std::vector<std::int64_t> steps;
  std::vector<std::vector<double>> load_SE;
};

struct StrategySummary {
  std::string name, routing;
  bool causal = false, batch_invariant = false;
  std::int64_t parameters = 0;
  /// Seeds of the runs with a valid result, in ascending order, and the failures of the others.
  std::vector<std::int64_t> seeds;
  std::vector<std::string> failures;
  /// Mean over languages for each of `seeds`, and mean over seeds for each language.
  std::vector<double> bits_per_byte_by_seed;
  std::vector<std::pair<std::string, Statistic>> bits_per_byte_by_language;
  Statistic bits_per_byte, tokens_per_second, seconds;
  /// Highest load in a batch as a multiple of the mean load; mean over levels and the second half of training, without
  /// an expert that processes every row in every step. Empty if nothing is routed.
  std::optional<double> peak;
  /// Over the same steps: share of the selected pairs that were dropped, share of the rows without an expert, share of
  /// the experts that process a row.
  std::optional<double> dropped, unserved, met;
  std::vector<CurvePoint> curve;
  std::vector<LevelHistory> levels;

  bool has_figures() const { return !seeds.empty(); }
};

/// In the order of the strategies' first results.
std::vector<StrategySummary> summaries_of(const Record& record);

/// The strategies with results, best first.
std::vector<StrategySummary> ranked(std::vector<StrategySummary> strategies);

/// The curve's bits per byte at `seconds`, linear between points; empty before the first point and after the last.
std::optional<double> held_out_at(const StrategySummary& strategy, double seconds);

/// The number of common seeds on which `a` is below `b`, and the number of common seeds.
std::pair<int, int> seeds_won(const StrategySummary& a, const StrategySummary& b);

/// Names of the strategies on the Pareto front, fastest first: no other strategy is both better and faster.
std::vector<std::string> worth_their_cost(const std::vector<StrategySummary>& strategies);

}  // namespace moe_bench
