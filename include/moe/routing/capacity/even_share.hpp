#pragma once

#include "moe/routing/capacity/capacity.hpp"

namespace moe {

/// Every expert takes an even share of the rows, rounded up: ceil(rows / experts). For routers that assign rows.
struct EvenShare {
  /// Where rows choose it has no say.
  static constexpr bool is_share = true;

  /// That many.
  Index rows_per_expert(Demand demand) const {
    return demand.experts == 0 ? 0 : (demand.rows + demand.experts - 1) / demand.experts;
  }
};

}  // namespace moe
