#pragma once

#include "moe/routing/capacity/capacity.hpp"

namespace moe {

/// Every expert takes every row that wants it: nothing is dropped.
struct Unlimited {
  /// All of them.
  Index rows_per_expert(Demand demand) const { return demand.rows; }
};

}  // namespace moe
