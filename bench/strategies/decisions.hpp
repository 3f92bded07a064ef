/// What a layer decided in one run, row by row, and what can be said of it.
#pragma once

#include <vector>

#include "moe/core/observation.hpp"

namespace moe_bench {

using moe::Index;

/// Who works on each row of x: the experts of all levels side by side, a segment's experts on each of its rows.
struct Decisions {
  Index rows = 0, experts = 0;
  /// rows x experts: chosen at all, and not dropped after that.
  std::vector<char> chosen_TE, kept_TE;
  /// Gates of what was kept, 0 elsewhere.
  std::vector<double> gates_TE;

  std::size_t at(Index row, Index expert) const { return static_cast<std::size_t>(row * experts + expert); }
};
/// One observation for each level, of the same rows. Nothing for no observation: a layer that does not route.
Decisions decisions_of(const std::vector<moe::Observation>& levels);

/// Rows of each expert.
std::vector<Index> loads_of(const Decisions& decisions);

/// How evenly rows are spread over experts.
struct Balance {
  double most_over_mean = 0;
  /// Standard deviation over mean.
  double variation = 0;
  /// Of a pair's expert, in nats: log(experts) when loads are even.
  double entropy = 0;
};
/// All 0 where there is no row on any expert.
Balance balance_of(const std::vector<Index>& loads);

/// Of all pairs that were chosen, those that were dropped; 0 of none.
double dropped_share(const Decisions& decisions);
/// Of all rows, those that no expert works on.
double unserved_share(const Decisions& decisions);
/// Experts that work on a row, on average.
double experts_per_row(const Decisions& decisions);
/// Entropy of a row's gates as shares of their sum, in nats, on average over the rows that have gates above 0.
double gate_entropy(const Decisions& decisions);

/// Pairs (row, expert) in which two runs differ.
struct Change {
  /// Pairs of one run or the other, and those of one alone.
  Index pairs = 0, changed = 0;

  double share() const { return pairs == 0 ? 0 : static_cast<double>(changed) / static_cast<double>(pairs); }
};
/// Compares `count` rows of a from a_row on with those of b from b_row on; same experts.
Change change_between(const Decisions& a, Index a_row, const Decisions& b, Index b_row, Index count);

}  // namespace moe_bench
