/// Who works on what, counted from what the layers tell their observer.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "moe/core/observation.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// Sums over the rows that one level of one layer has routed: tokens, or segments. Experts are counted from 0.
struct LevelTally {
  std::int64_t experts = 0;          ///< N
  std::int64_t rows = 0;             ///< R
  std::vector<std::int64_t> chosen;  ///< [N]: rows that the expert was chosen for
  std::vector<std::int64_t> kept;    ///< [N]: rows that it works on, once the capacity has dropped the rest
  std::vector<double> gates;         ///< [N]: sum of the gates of kept rows
  std::vector<std::uint8_t> fixed;   ///< [N]: 1 where the expert works on every row by design
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
  /// The mean gate where the expert works; NaN where it never does.
  double mean_gate(std::size_t expert) const;

  // Of the experts that are not fixed: those that a router chooses among.

  /// Their number.
  std::int64_t routed() const;
  /// Rows of the expert with most of them, over the mean; NaN without any.
  double load_max_over_mean() const;
  /// Deviation of the experts' rows (over all, not all - 1) by their mean; NaN without any.
  double load_variation() const;
  /// -sum p ln p over ln of their number, p the share of an expert in their rows: 1 is even, 0 is one expert alone; NaN
  /// without any and for one expert.
  double load_evenness() const;
  /// Pairs of row and expert that a capacity refused, of those chosen; 0 where none was.
  double dropped_share() const;

  /// Nats; NaN where no row has an expert.
  double mean_entropy() const;
};

/// Both levels of every layer, layer numbers from 0. A level that no layer has is empty.
struct RoutingTally {
  std::map<std::uint32_t, LevelTally> token{};
  std::map<std::uint32_t, LevelTally> segment{};

  /// Token experts that work on every row by design: what they do says nothing of a router.
  std::vector<std::int64_t> fixed_token_experts{};

  /// Counts one call over sequences of `length` tokens that lie one after the other.
  void add(const moe::Observation& seen, std::int64_t length);
};

/// A MultiPL-MoE's shared expert, a LoRA's adapter, the adapter that a MoLE's languages share; empty for any other.
std::vector<std::int64_t> fixed_token_experts(const ModelConfig& config);

/// How even a layer's routed experts were at work.
struct LayerLoad {
  double max_over_mean = 0, evenness = 0, dropped = 0;  ///< as in LevelTally; NaN where there is no value
};
/// By layer. A level without routed experts is empty.
struct RoutingLoads {
  std::vector<LayerLoad> token, segment;
};
RoutingLoads loads_of(const RoutingTally& tally);

}  // namespace multipl_moe
