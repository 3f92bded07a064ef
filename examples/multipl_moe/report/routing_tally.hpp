/// Who works on what, counted from what the layers tell their observer.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "moe/core/observation.hpp"

namespace multipl_moe {

/// Sums over the rows that one level of one layer has routed: tokens, or segments. Experts are counted from 0.
struct LevelTally {
  std::int64_t experts = 0;          ///< N
  std::int64_t rows = 0;             ///< R
  std::vector<std::int64_t> chosen;  ///< [N]: rows that the expert was chosen for
  std::vector<std::int64_t> kept;    ///< [N]: rows that it works on, once the capacity has dropped the rest
  std::vector<double> gates;         ///< [N]: sum of the gates of kept rows
  /// [N + 1]: rows that n experts work on.
  std::vector<std::int64_t> sharing;
  double entropy = 0;  ///< nats: sum over rows with an expert of -sum p ln p, p = gate / sum of the row's gates
  std::int64_t rows_with_gate = 0;  ///< rows that the entropy is summed over

  /// Rows at a place in their sequence, and how many of them each expert works on; for segments only.
  struct Position {
    std::int64_t sequences = 0;
    std::vector<std::int64_t> kept;  ///< [N]
  };
  std::vector<Position> positions;

  std::int64_t pairs_kept() const;
  std::int64_t pairs_chosen() const;
  /// The mean gate where the expert works; NaN where it never does.
  double mean_gate(std::size_t expert) const;
  /// Rows of the expert with most of them, over the mean; NaN without any.
  double load_max_over_mean() const;
  /// Deviation of the experts' rows (over all N, not N - 1) by their mean; NaN without any.
  double load_variation() const;
  /// Nats; NaN where no row has an expert.
  double mean_entropy() const;
};

/// Both levels of every layer, layer numbers from 0. A level that no layer has is empty.
struct RoutingTally {
  std::map<std::uint32_t, LevelTally> token;
  std::map<std::uint32_t, LevelTally> segment;

  /// Counts one call over sequences of `length` tokens that lie one after the other.
  void add(const moe::Observation& seen, std::int64_t length);
};

}  // namespace multipl_moe
