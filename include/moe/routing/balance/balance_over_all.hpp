#pragma once

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"

namespace moe {

/// The balance loss over all experts, the shared one included: the paper's eq. 8, p being the softmax over all of them,
/// chosen or not.
struct BalanceOverAll {
  /// Yes.
  MOE_HOST_DEVICE bool counts(Index /*expert*/) const { return true; }
};

}  // namespace moe
