/// Counts which experts process which rows, from the observations of the layers.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "moe/core/observation.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// Sums over the rows (tokens or segments) that one level of one layer has routed. Experts are numbered from 0.
struct LevelTally {
  std::int64_t experts = 0;          ///< number of experts, N
  std::int64_t rows = 0;             ///< number of rows, R
  std::vector<std::int64_t> chosen;  ///< [N]: rows for which the expert was selected
  std::vector<std::int64_t> kept;    ///< [N]: of these, rows that the capacity did not drop
  std::vector<double> gates;         ///< [N]: sum of the gates of kept rows
  std::vector<std::uint8_t> fixed;   ///< [N]: 1 if the expert processes every row by design
  /// [N + 1]: rows that n experts process.
  std::vector<std::int64_t> sharing;
  double entropy = 0;  ///< nats: sum over rows with an expert of -sum p ln p, p = gate / sum of the row's gates
  std::int64_t rows_with_gate = 0;  ///< rows that the entropy is summed over

  /// Rows at one position in their sequence, and how many of them each expert processes; for segments only.
  struct Position {
    std::int64_t sequences = 0;
    std::vector<std::int64_t> kept;  ///< [N]
  };
  std::vector<Position> positions;

  /// The rows of one sequence, in the order in which sequences were observed.
  struct Sequence {
    std::int64_t rows = 0;
    std::vector<std::int64_t> kept;  ///< [N]
    /// For segments only: the experts that process each, in the order of the sequence.
    std::vector<std::vector<std::int32_t>> segments;
  };
  std::vector<Sequence> sequences;

  std::int64_t pairs_kept() const;
  /// Mean gate of the rows that the expert processes; NaN if there are none.
  double mean_gate(std::size_t expert) const;

  // Statistics of the routed experts, which are those that are not fixed.

  /// Number of routed experts.
  std::int64_t routed() const;
  /// Highest load over the mean load; NaN if no routed expert has a row.
  double load_max_over_mean() const;
  /// Standard deviation of the loads (divided by n, not n - 1) over their mean; NaN if no routed expert has a row.
  double load_variation() const;
  /// Normalized entropy of the loads, -sum p ln p / ln routed(), with p the share of an expert in all loads: 1 is even,
  /// 0 is a single expert with all rows. NaN if no routed expert has a row, or for a single expert.
  double load_evenness() const;
  /// Share of the selected pairs of row and expert that the capacity dropped; 0 if none was selected.
  double dropped_share() const;

  /// Mean entropy of a row's gates in nats; NaN if no row has an expert.
  double mean_entropy() const;
};

/// Both levels of every layer, by layer number from 0. A level that no layer has is empty.
struct RoutingTally {
  std::map<std::uint32_t, LevelTally> token{};
  std::map<std::uint32_t, LevelTally> segment{};

  /// Token experts that process every row by design, which router statistics leave out.
  std::vector<std::int64_t> fixed_token_experts{};

  /// Counts one observation of a batch of consecutive sequences of `length` tokens.
  void add(const moe::Observation& seen, std::int64_t length);
};

/// Token experts that process every row by design: a MultiPL-MoE's shared expert, a LoRA's adapter, the adapter that a
/// MoLE's languages share; empty for other architectures.
std::vector<std::int64_t> fixed_token_experts(const ModelConfig& config);

/// Load balance of a layer's routed experts.
struct LayerLoad {
  double max_over_mean = 0, evenness = 0, dropped = 0;  ///< as in LevelTally; NaN if there is no value
};
/// By layer. A level without routed experts is empty.
struct RoutingLoads {
  std::vector<LayerLoad> token, segment;
};
RoutingLoads loads_of(const RoutingTally& tally);

}  // namespace multipl_moe
