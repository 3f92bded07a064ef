#include "bench/strategies/decisions.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace moe_bench {

Decisions decisions_of(const std::vector<moe::Observation>& levels) {
  Decisions all;
  if (levels.empty()) return all;
  all.rows = levels.front().begin.back();
  for (const moe::Observation& level : levels) all.experts += level.experts;
  const auto size = static_cast<std::size_t>(all.rows * all.experts);
  all.chosen_TE.resize(size);
  all.kept_TE.resize(size);
  all.gates_TE.resize(size);
  Index first = 0;
  for (const moe::Observation& level : levels) {
    for (Index r = 0; r < level.rows; ++r)
      for (Index t = level.begin[static_cast<std::size_t>(r)]; t < level.begin[static_cast<std::size_t>(r) + 1]; ++t)
        for (Index e = 0; e < level.experts; ++e) {
          const auto from = static_cast<std::size_t>(r * level.experts + e);
          all.chosen_TE[all.at(t, first + e)] = level.chosen[from] != 0;
          all.kept_TE[all.at(t, first + e)] = level.kept[from] != 0;
          all.gates_TE[all.at(t, first + e)] = level.gates[from];
        }
    first += level.experts;
  }
  return all;
}

std::vector<Index> loads_of(const Decisions& decisions) {
  std::vector<Index> loads(static_cast<std::size_t>(decisions.experts));
  for (Index t = 0; t < decisions.rows; ++t)
    for (Index e = 0; e < decisions.experts; ++e)
      loads[static_cast<std::size_t>(e)] += decisions.kept_TE[decisions.at(t, e)] != 0;
  return loads;
}

Balance balance_of(const std::vector<Index>& loads) {
  const double total = static_cast<double>(std::accumulate(loads.begin(), loads.end(), Index{0}));
  if (total == 0) return {};
  const double experts = static_cast<double>(loads.size()), mean = total / experts;
  Balance balance{.most_over_mean = static_cast<double>(*std::max_element(loads.begin(), loads.end())) / mean};
  double squares = 0;
  for (const Index rows : loads) {
    const double load = static_cast<double>(rows), share = load / total;
    squares += (load - mean) * (load - mean);
    if (share > 0) balance.entropy -= share * std::log(share);
  }
  balance.variation = std::sqrt(squares / experts) / mean;
  return balance;
}

double dropped_share(const Decisions& decisions) {
  const auto chosen = std::count(decisions.chosen_TE.begin(), decisions.chosen_TE.end(), 1),
             kept = std::count(decisions.kept_TE.begin(), decisions.kept_TE.end(), 1);
  return chosen == 0 ? 0 : static_cast<double>(chosen - kept) / static_cast<double>(chosen);
}

double unserved_share(const Decisions& decisions) {
  if (decisions.rows == 0) return 0;
  Index unserved = 0;
  for (Index t = 0; t < decisions.rows; ++t) {
    const auto first = decisions.kept_TE.begin() + t * decisions.experts;
    unserved += std::none_of(first, first + decisions.experts, [](char kept) { return kept != 0; });
  }
  return static_cast<double>(unserved) / static_cast<double>(decisions.rows);
}

double experts_per_row(const Decisions& decisions) {
  const auto kept = std::count(decisions.kept_TE.begin(), decisions.kept_TE.end(), 1);
  return decisions.rows == 0 ? 0 : static_cast<double>(kept) / static_cast<double>(decisions.rows);
}

double gate_entropy(const Decisions& decisions) {
  double sum = 0;
  Index rows = 0;
  for (Index t = 0; t < decisions.rows; ++t) {
    const auto first = decisions.gates_TE.begin() + t * decisions.experts, end = first + decisions.experts;
    const double total = std::accumulate(first, end, 0.0);
    if (!(total > 0)) continue;
    ++rows;
    for (auto gate = first; gate != end; ++gate)
      if (*gate > 0) sum -= *gate / total * std::log(*gate / total);
  }
  return rows == 0 ? 0 : sum / static_cast<double>(rows);
}

Change change_between(const Decisions& a, Index a_row, const Decisions& b, Index b_row, Index count) {
  Change change;
  for (Index t = 0; t < count; ++t)
    for (Index e = 0; e < a.experts; ++e) {
      const bool in_a = a.kept_TE[a.at(a_row + t, e)] != 0, in_b = b.kept_TE[b.at(b_row + t, e)] != 0;
      change.pairs += in_a || in_b;
      change.changed += in_a != in_b;
    }
  return change;
}

}  // namespace moe_bench
