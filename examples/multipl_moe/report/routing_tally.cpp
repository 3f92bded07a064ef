#include "multipl_moe/report/routing_tally.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace multipl_moe {

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

std::int64_t sum_of(const std::vector<std::int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

void resize(LevelTally& tally, std::int64_t experts) {
  const auto size = static_cast<std::size_t>(experts);
  tally.experts = experts;
  tally.chosen.resize(size);
  tally.kept.resize(size);
  tally.gates.resize(size);
  tally.sharing.resize(size + 1);
}

/// -sum p ln p over a row's gates; NaN where they sum to 0.
double entropy_of(const double* gates, std::size_t experts) {
  const double sum = std::accumulate(gates, gates + experts, 0.0);
  if (!(sum > 0)) return nothing;
  double entropy = 0;
  for (std::size_t e = 0; e < experts; ++e)
    if (gates[e] > 0) entropy -= gates[e] / sum * std::log(gates[e] / sum);
  return entropy;
}

void add_row(LevelTally& tally, const moe::Observation& seen, std::size_t row) {
  const auto experts = static_cast<std::size_t>(seen.experts);
  std::size_t workers = 0;
  for (std::size_t e = 0; e < experts; ++e) {
    const std::size_t pair = row * experts + e;
    tally.chosen[e] += seen.chosen[pair] != 0;
    if (seen.kept[pair] == 0) continue;
    ++workers;
    ++tally.kept[e];
    tally.gates[e] += seen.gates[pair];
  }
  ++tally.sharing[workers];
  const double entropy = entropy_of(seen.gates.data() + row * experts, experts);
  if (std::isnan(entropy)) return;
  tally.entropy += entropy;
  ++tally.rows_with_gate;
}

/// Segments never cross from one sequence into the next.
void add_positions(LevelTally& tally, const moe::Observation& seen, std::int64_t length) {
  const auto experts = static_cast<std::size_t>(seen.experts);
  std::size_t position = 0;
  for (std::size_t v = 0; v < static_cast<std::size_t>(seen.rows); ++v) {
    const bool opens_sequence = static_cast<std::int64_t>(seen.begin[v]) % length == 0;
    position = opens_sequence ? 0 : position + 1;
    if (tally.positions.size() <= position) tally.positions.push_back({0, std::vector<std::int64_t>(experts)});
    LevelTally::Position& here = tally.positions[position];
    ++here.sequences;
    for (std::size_t e = 0; e < experts; ++e) here.kept[e] += seen.kept[v * experts + e] != 0;
  }
}

}  // namespace

std::int64_t LevelTally::pairs_kept() const { return sum_of(kept); }
std::int64_t LevelTally::pairs_chosen() const { return sum_of(chosen); }

double LevelTally::mean_gate(std::size_t expert) const {
  return kept[expert] > 0 ? gates[expert] / static_cast<double>(kept[expert]) : nothing;
}

double LevelTally::load_max_over_mean() const {
  const auto sum = static_cast<double>(pairs_kept());
  if (sum == 0) return nothing;
  return static_cast<double>(*std::max_element(kept.begin(), kept.end())) * static_cast<double>(experts) / sum;
}

double LevelTally::load_variation() const {
  const double mean = static_cast<double>(pairs_kept()) / static_cast<double>(experts);
  if (!(mean > 0)) return nothing;
  double squares = 0;
  for (const std::int64_t rows_of_expert : kept) squares += std::pow(static_cast<double>(rows_of_expert) - mean, 2);
  return std::sqrt(squares / static_cast<double>(experts)) / mean;
}

double LevelTally::mean_entropy() const {
  return rows_with_gate > 0 ? entropy / static_cast<double>(rows_with_gate) : nothing;
}

void RoutingTally::add(const moe::Observation& seen, std::int64_t length) {
  const bool of_segments = seen.level == "segment";
  LevelTally& tally = (of_segments ? segment : token)[seen.layer];
  if (tally.experts == 0) resize(tally, seen.experts);
  tally.rows += seen.rows;
  for (std::size_t row = 0; row < static_cast<std::size_t>(seen.rows); ++row) add_row(tally, seen, row);
  if (of_segments) add_positions(tally, seen, length);
}

}  // namespace multipl_moe
