#include "multipl_moe/eval/routing_tally.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "multipl_moe/model/layer_work.hpp"

namespace multipl_moe {

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

std::int64_t sum_of(const std::vector<std::int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

std::vector<std::int64_t> of_routed(const LevelTally& tally, const std::vector<std::int64_t>& counts) {
  std::vector<std::int64_t> routed;
  for (std::size_t e = 0; e < counts.size(); ++e)
    if (tally.fixed[e] == 0) routed.push_back(counts[e]);
  return routed;
}

/// Each routed expert's share of the rows of all routed experts; empty if they have none.
std::vector<double> shares_of_load(const LevelTally& tally) {
  const std::vector<std::int64_t> rows = of_routed(tally, tally.kept);
  const std::int64_t sum = sum_of(rows);
  std::vector<double> shares;
  if (sum > 0)
    for (const std::int64_t of_expert : rows)
      shares.push_back(static_cast<double>(of_expert) / static_cast<double>(sum));
  return shares;
}

void resize(LevelTally& tally, std::int64_t experts) {
  const auto size = static_cast<std::size_t>(experts);
  tally.experts = experts;
  tally.chosen.resize(size);
  tally.kept.resize(size);
  tally.gates.resize(size);
  tally.sharing.resize(size + 1);
  tally.fixed.resize(size);
}

/// -sum p ln p over a row's gates, p = gate / sum of the gates; NaN if they sum to 0.
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

/// Counts segments by their position in the sequence. No segment crosses the border of a sequence.
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

/// Counts rows by their sequence. No row is in two.
void add_sequences(LevelTally& tally, const moe::Observation& seen, std::int64_t length, bool of_segments) {
  const auto experts = static_cast<std::size_t>(seen.experts);
  const std::size_t before = tally.sequences.size();
  for (std::size_t row = 0; row < static_cast<std::size_t>(seen.rows); ++row) {
    const std::size_t number = before + static_cast<std::size_t>(static_cast<std::int64_t>(seen.begin[row]) / length);
    while (tally.sequences.size() <= number)
      tally.sequences.push_back({.rows = 0, .kept = std::vector<std::int64_t>(experts), .segments = {}});
    LevelTally::Sequence& sequence = tally.sequences[number];
    ++sequence.rows;
    if (of_segments) sequence.segments.emplace_back();
    for (std::size_t e = 0; e < experts; ++e) {
      if (seen.kept[row * experts + e] == 0) continue;
      ++sequence.kept[e];
      if (of_segments) sequence.segments.back().push_back(static_cast<std::int32_t>(e));
    }
  }
}

}  // namespace

std::int64_t LevelTally::pairs_kept() const { return sum_of(kept); }

double LevelTally::mean_gate(std::size_t expert) const {
  return kept[expert] > 0 ? gates[expert] / static_cast<double>(kept[expert]) : nothing;
}

std::int64_t LevelTally::routed() const { return std::count(fixed.begin(), fixed.end(), 0); }

double LevelTally::load_max_over_mean() const {
  const std::vector<double> shares = shares_of_load(*this);
  if (shares.empty()) return nothing;
  return *std::max_element(shares.begin(), shares.end()) * static_cast<double>(shares.size());
}

double LevelTally::load_variation() const {
  const std::vector<double> shares = shares_of_load(*this);
  if (shares.empty()) return nothing;
  const auto count = static_cast<double>(shares.size());
  double squares = 0;
  for (const double share : shares) squares += std::pow(share * count - 1, 2);
  return std::sqrt(squares / count);
}

double LevelTally::load_evenness() const {
  const std::vector<double> shares = shares_of_load(*this);
  if (shares.size() < 2) return nothing;
  double sum = 0;
  for (const double share : shares)
    if (share > 0) sum -= share * std::log(share);
  return sum / std::log(static_cast<double>(shares.size()));
}

double LevelTally::dropped_share() const {
  const std::int64_t all = sum_of(of_routed(*this, chosen)), worked_on = sum_of(of_routed(*this, kept));
  return all > 0 ? static_cast<double>(all - worked_on) / static_cast<double>(all) : 0;
}

double LevelTally::mean_entropy() const {
  return rows_with_gate > 0 ? entropy / static_cast<double>(rows_with_gate) : nothing;
}

void RoutingTally::add(const moe::Observation& seen, std::int64_t length) {
  const bool of_segments = seen.level == "segment";
  LevelTally& tally = (of_segments ? segment : token)[seen.layer];
  if (tally.experts == 0) {
    resize(tally, seen.experts);
    if (!of_segments)
      for (const std::int64_t expert : fixed_token_experts) tally.fixed.at(static_cast<std::size_t>(expert)) = 1;
  }
  tally.rows += seen.rows;
  for (std::size_t row = 0; row < static_cast<std::size_t>(seen.rows); ++row) add_row(tally, seen, row);
  if (of_segments) add_positions(tally, seen, length);
  add_sequences(tally, seen, length, of_segments);
}

std::vector<std::int64_t> fixed_token_experts(const ModelConfig& config) {
  return config.moe ? work_of(*config.moe).fixed_experts(*config.moe) : std::vector<std::int64_t>();
}

RoutingLoads loads_of(const RoutingTally& tally) {
  const auto of_level = [](const std::map<std::uint32_t, LevelTally>& levels) {
    std::vector<LayerLoad> loads;
    for (const auto& [layer, level] : levels)
      if (level.routed() > 0)
        loads.push_back({level.load_max_over_mean(), level.load_evenness(), level.dropped_share()});
    return loads;
  };
  return {of_level(tally.token), of_level(tally.segment)};
}

}  // namespace multipl_moe
