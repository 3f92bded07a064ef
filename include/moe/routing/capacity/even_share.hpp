#pragma once

#include "moe/routing/capacity/capacity.hpp"
#include "moe/routing/capacity/share.hpp"

namespace moe {

/// Every expert takes an even share of the rows, rounded up: ceil(rows / experts). For routers that assign rows.
struct EvenShare {
  /// Where rows choose it has no say.
  static constexpr bool is_share = true;

  /// That many.
  Index rows_per_expert(Demand demand) const { return share_of_expert(demand, demand.rows, 1, RoundShare::up, 0); }
};

}  // namespace moe
