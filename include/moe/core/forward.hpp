#pragma once

#include <array>
#include <concepts>

#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"

namespace moe {

/// What a layer's forward returns: the output, what backward needs (move-only, consumed once), and what the run
/// observed (losses beside the main one, loads, what `update_buffers` learns from). Structured bindings take it apart.
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

  /// All of them.
  std::array<double, 2> values() const { return {balance, z}; }
  /// As gradients of the losses that a routing module names itself, where these say what the two mean among them:
  /// `static Named from(AuxiliaryGradient)`. So code that knows no more than these two drives every module.
  template <class Named>
  requires requires(AuxiliaryGradient both) {
    { Named::from(both) } -> std::same_as<Named>;
  }
  operator Named() const { return Named::from(*this); }
};

/// The loss gradients of a routing module that names no losses.
struct NoLossGradients {
  /// Whatever is asked for.
  static NoLossGradients from(AuxiliaryGradient) { return {}; }
  /// None.
  std::array<double, 0> values() const { return {}; }
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
