/// The decisions of a layer in one run, row by row, and their statistics.
#pragma once

#include <vector>

#include "moe/core/observation.hpp"

namespace moe_bench {

using moe::Index;

/// Which experts process each row of x: the experts of all levels in adjacent columns; a segment's experts process each
/// of its rows.
struct Decisions {
  Index rows = 0, experts = 0;
  /// rows x experts: 1 if selected, and 1 if selected and not dropped.
  std::vector<char> chosen_TE, kept_TE;
  /// Gates of kept pairs, 0 elsewhere.
  std::vector<double> gates_TE;

  std::size_t at(Index row, Index expert) const { return static_cast<std::size_t>(row * experts + expert); }
};
/// The decisions in one observation per level, all of the same rows. Empty without observations, for a layer that does
/// not route.
Decisions decisions_of(const std::vector<moe::Observation>& levels);

/// The load of each expert: its number of rows.
std::vector<Index> loads_of(const Decisions& decisions);

/// Load balance of the experts.
struct Balance {
  /// Highest load over the mean.
  double most_over_mean = 0;
  /// Standard deviation over mean.
  double variation = 0;
  /// Entropy of the loads in nats: log(experts) if they are even.
  double entropy = 0;
};
/// All 0 if no expert has a row.
Balance balance_of(const std::vector<Index>& loads);

/// Share of the selected pairs that were dropped; 0 if none was selected.
double dropped_share(const Decisions& decisions);
/// Share of the rows that no expert processes.
double unserved_share(const Decisions& decisions);
/// Mean number of experts that process a row.
double experts_per_row(const Decisions& decisions);
/// Entropy of a row's gates as shares of their sum, in nats; mean over the rows with gates above 0.
double gate_entropy(const Decisions& decisions);

/// Pairs (row, expert) in which two runs differ.
struct Change {
  /// Pairs in either run, and pairs in only one of them.
  Index pairs = 0, changed = 0;

  double share() const { return pairs == 0 ? 0 : static_cast<double>(changed) / static_cast<double>(pairs); }
};
/// Compares `count` rows of a from a_row on with those of b from b_row on; both must have the same experts.
Change change_between(const Decisions& a, Index a_row, const Decisions& b, Index b_row, Index count);

}  // namespace moe_bench
