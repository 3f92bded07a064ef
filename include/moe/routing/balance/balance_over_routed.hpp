#pragma once

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"

namespace moe {

/// The balance loss over the routed experts only. Every row selects `shared`, so a loss that includes it pushes its
/// gate down. With probabilities from the routed logits alone, the balance loss does not affect its gate.
struct BalanceOverRouted {
  /// Requires a router that has a shared expert.
  static constexpr bool leaves_out_shared = true;

  /// Index of the excluded expert; an index beyond the experts excludes none.
  Index shared = 0;
  /// Whether f counts the choices of all ranks.
  bool is_global = false;

  /// Whether `expert` is not the shared one.
  MOE_HOST_DEVICE bool counts(Index expert) const { return expert != shared; }
};

}  // namespace moe
