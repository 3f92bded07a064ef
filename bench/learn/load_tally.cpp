#include "bench/learn/load_tally.hpp"

#include <algorithm>
#include <numeric>

namespace moe_bench {

namespace {

/// The highest load as a multiple of the mean load; 1 if all loads are 0.
double peak_of(const std::vector<std::int64_t>& load) {
  const auto sum = std::accumulate(load.begin(), load.end(), std::int64_t{0});
  if (sum == 0) return 1;
  return static_cast<double>(*std::max_element(load.begin(), load.end())) * static_cast<double>(load.size()) /
         static_cast<double>(sum);
}

std::vector<std::int64_t> without_busiest(std::vector<std::int64_t> load) {
  if (!load.empty()) load.erase(std::max_element(load.begin(), load.end()));
  return load;
}

}  // namespace

void LoadTally::add(const moe::Observation& seen) {
  auto at = std::find_if(levels_.begin(), levels_.end(),
                         [&](const Counted& c) { return c.sum.layer == seen.layer && c.sum.level == seen.level; });
  const auto experts = static_cast<std::size_t>(seen.experts);
  if (at == levels_.end()) {
    levels_.push_back({});
    at = levels_.end() - 1;
    at->sum.layer = seen.layer;
    at->sum.level = seen.level;
    at->sum.load.resize(experts);
  }
  std::vector<std::int64_t> load(experts);
  for (std::size_t r = 0; r < static_cast<std::size_t>(seen.rows); ++r) {
    std::int64_t kept = 0;
    for (std::size_t e = 0; e < experts; ++e) {
      at->sum.chosen += seen.chosen[r * experts + e] != 0;
      if (seen.kept[r * experts + e] == 0) continue;
      ++kept;
      ++load[e];
    }
    at->sum.kept += kept;
    at->sum.unserved += kept == 0;
  }
  at->sum.rows += seen.rows;
  for (std::size_t e = 0; e < experts; ++e) at->sum.load[e] += load[e];
  at->sum.peak += peak_of(load);
  at->sum.peak_of_rest += peak_of(without_busiest(load));
  ++at->batches;
}

std::vector<LevelLoad> LoadTally::take() {
  std::vector<LevelLoad> levels;
  for (Counted& counted : levels_) {
    counted.sum.peak /= static_cast<double>(counted.batches);
    counted.sum.peak_of_rest /= static_cast<double>(counted.batches);
    levels.push_back(std::move(counted.sum));
  }
  levels_.clear();
  return levels;
}

}  // namespace moe_bench
