#pragma once

#include "moe/routing/capacity/capacity.hpp"

namespace moe {

/// No capacity limit: nothing is dropped.
struct Unlimited {
  /// All rows.
  Index rows_per_expert(Demand demand) const { return demand.rows; }
};

}  // namespace moe
