#pragma once

#include "moe/core/require.hpp"
#include "moe/routing/capacity/capacity.hpp"
#include "moe/routing/capacity/share.hpp"

namespace moe {

/// An expert takes C = ceil(factor choices / experts) rows, at least `minimum` and at most all of them; what more rows
/// chose it for is dropped (Switch, GShard). A row whose every choice is dropped passes the layer as zero.
struct CapacityFactor {
  /// Room in multiples of an even share of the choices.
  double factor = 1.25;
  /// Fewest rows that an expert has room for, where there are that many.
  Index minimum = 4;
  /// Over what gates are normalized.
  NormalizeGates normalize = NormalizeGates::before_dropping;
  /// Whom it drops.
  DropBy drop = DropBy::position;

  /// Throws Error for a factor or a minimum below 0; an infinite factor drops nothing.
  void require_fits() const {
    require(factor >= 0, "CapacityFactor", "the factor must not be negative, got ", factor);
    require(minimum >= 0, "CapacityFactor", "the minimum must not be negative, got ", minimum);
  }

  /// C.
  Index rows_per_expert(Demand demand) const {
    return share_of_expert(demand, demand.choices, factor, RoundShare::up, minimum);
  }
};

}  // namespace moe
