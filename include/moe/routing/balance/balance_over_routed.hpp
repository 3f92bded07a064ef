#pragma once

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"

namespace moe {

/// The balance loss over the routed experts only. Every row chooses `shared`, so a loss that includes it pushes its
/// gate down; with probabilities from the routed logits alone its gate stays where the main loss wants it.
struct BalanceOverRouted {
  /// There has to be one.
  static constexpr bool leaves_out_shared = true;

  /// Index of the expert that is left out; one that does not exist leaves out nobody.
  Index shared = 0;

  /// Whether it is another than the shared one.
  MOE_HOST_DEVICE bool counts(Index expert) const { return expert != shared; }
};

}  // namespace moe
