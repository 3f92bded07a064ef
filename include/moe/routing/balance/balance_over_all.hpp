#pragma once

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"

namespace moe {

/// The balance loss over all experts, including the shared one: the paper's eq. 8, with p the softmax over all experts,
/// selected or not.
struct BalanceOverAll {
  /// Whether f counts the choices of all ranks.
  bool is_global = false;

  /// Every expert is counted.
  MOE_HOST_DEVICE bool counts(Index /*expert*/) const { return true; }
};

}  // namespace moe
