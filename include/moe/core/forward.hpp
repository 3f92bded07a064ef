#pragma once

#include <array>
#include <concepts>

#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"

namespace moe {

/// Result of a layer's forward: the output, the tensors that backward needs (move-only, consumed once), and the
/// statistics of the pass (auxiliary losses, loads, the input of `update_buffers`). Supports structured bindings.
template <class Output, class Saved, class Stats>
struct Forward {
  /// The output, y_TD.
  Output output;
  /// Tensors that backward consumes.
  Saved saved;
  /// Statistics of the pass.
  Stats stats;
};

/// d(total loss)/d(auxiliary loss) for each auxiliary loss that a layer reports in its stats. Divide by the number of
/// micro-batches first: weight gradients are summed over them.
struct AuxiliaryGradient {
  /// d(loss)/d(balance loss), see eq. 8.
  double balance = 0;
  /// d(loss)/d(z-loss).
  double z = 0;

  /// Both values, {balance, z}.
  std::array<double, 2> values() const { return {balance, z}; }
  /// Converts to the loss gradients that a routing module defines itself, if they have `static Named
  /// from(AuxiliaryGradient)`. Code that only has these two values can therefore drive every module.
  template <class Named>
  requires requires(AuxiliaryGradient both) {
    { Named::from(both) } -> std::same_as<Named>;
  }
  operator Named() const { return Named::from(*this); }
};

/// The loss gradients of a routing module without auxiliary losses.
struct NoLossGradients {
  /// Ignores its argument.
  static NoLossGradients from(AuxiliaryGradient) { return {}; }
  /// No values.
  std::array<double, 0> values() const { return {}; }
};

/// The stats of a layer that reports nothing.
struct NoStats {
  double balance_loss() const { return 0; }
  double z_loss() const { return 0; }
};

/// The decoding state of a layer that needs no information about earlier tokens.
struct NoDecodingState {
  /// Does nothing when sequences are added.
  template <class Context>
  void join(const Context&, const NoDecodingState& /*more*/) {}
  /// Does nothing when sequences are removed.
  template <class Context>
  void keep(const Context&, ListView<Index> /*sequences*/) {}
};

}  // namespace moe
