#pragma once

#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"

namespace moe {

/// What a layer's forward returns: the output, what backward needs (move-only, consumed once), and what the run
/// observed (losses beside the main one, loads, what `absorb` learns from). Structured bindings take it apart.
template <class Output, class Saved, class Stats>
struct Forward {
  /// y_TD.
  Output output;
  /// What backward consumes.
  Saved saved;
  /// What the run observed.
  Stats stats;
};

/// d(total loss)/d(auxiliary loss) for each auxiliary loss a layer reports in its stats. Divide by the number of
/// micro-batches before it comes in: weight gradients add over them.
struct AuxiliaryGradient {
  /// d(loss)/d(balance loss), see eq. 8.
  double balance = 0;
  /// d(loss)/d(z-loss).
  double z = 0;
};

/// The stats of a layer that has nothing to report.
struct NoStats {
  double balance_loss() const { return 0; }
  double z_loss() const { return 0; }
};

/// Decoding needs no memory of earlier tokens.
struct NoDecodingState {
  /// Sequences that come change nothing.
  template <class Context>
  void join(const Context&, const NoDecodingState& /*more*/) {}
  /// Sequences that go change nothing.
  template <class Context>
  void keep(const Context&, ListView<Index> /*sequences*/) {}
};

}  // namespace moe
