#pragma once

#include "moe/routing/capacity/capacity.hpp"
#include "moe/routing/capacity/share.hpp"

namespace moe {

/// Every expert takes an even share of the rows, rounded up: ceil(rows / experts). For routers that assign rows to
/// experts.
struct EvenShare {
  /// Only for routers whose experts choose rows.
  static constexpr bool is_share = true;

  /// ceil(rows / experts).
  Index rows_per_expert(Demand demand) const { return share_of_expert(demand, demand.rows, 1, RoundShare::up, 0); }
};

}  // namespace moe
