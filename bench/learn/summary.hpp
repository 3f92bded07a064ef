/// What the runs of a study come to, strategy by strategy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bench/learn/record.hpp"

namespace moe_bench {

/// Some values' mean and sample standard deviation; the latter is NaN for fewer than two, both are for none.
struct Statistic {
  double mean = 0, deviation = 0;
  std::size_t count = 0;
};
Statistic statistic_of(const std::vector<double>& values);

/// Means over seeds after so many tokens.
struct CurvePoint {
  std::int64_t tokens = 0;
  double seconds = 0;
  Statistic held_out;
};

/// Shares of a level's pairs by expert, as multiples of an even load, with the first seed: experts of two seeds have
/// nothing in common but their numbers. One row of `load_SE` for each of `steps`.
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
  /// Seeds of runs that came to a result with figures, rising, and reasons why others did not.
  std::vector<std::int64_t> seeds;
  std::vector<std::string> failures;
  /// Mean over languages of each of `seeds`, and over seeds of each language.
  std::vector<double> bits_per_byte_by_seed;
  std::vector<std::pair<std::string, Statistic>> bits_per_byte_by_language;
  Statistic bits_per_byte, tokens_per_second, seconds;
  /// A batch's busiest expert as a multiple of the mean, over levels and the second half of training; without an expert
  /// that every row meets in every step. None where nothing is routed.
  std::optional<double> peak;
  /// Shares of chosen pairs that were dropped, and of rows that met no expert, over the same; of experts that a row
  /// meets.
  std::optional<double> dropped, unserved, met;
  std::vector<CurvePoint> curve;
  std::vector<LevelHistory> levels;

  bool has_figures() const { return !seeds.empty(); }
};

/// In the order in which the strategies first ended a run.
std::vector<StrategySummary> summaries_of(const Record& record);

/// Those with figures, best first.
std::vector<StrategySummary> ranked(std::vector<StrategySummary> strategies);

/// The curve's bits per byte at `seconds`, linear between points; none before the first one and after the last.
std::optional<double> held_out_at(const StrategySummary& strategy, double seconds);

/// On how many of the seeds that both have `a` is below `b`, and how many these are.
std::pair<int, int> seeds_won(const StrategySummary& a, const StrategySummary& b);

/// Names of those that no other is both better and faster than, fastest first.
std::vector<std::string> worth_their_cost(const std::vector<StrategySummary>& strategies);

}  // namespace moe_bench
