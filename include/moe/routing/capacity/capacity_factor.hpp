#pragma once

#include "moe/core/require.hpp"
#include "moe/routing/capacity/capacity.hpp"
#include "moe/routing/capacity/share.hpp"

namespace moe {

/// The capacity of an expert is C = ceil(factor choices / experts) rows, at least `minimum` and at most all rows; pairs
/// over the capacity are dropped (Switch, GShard). A row with all its choices dropped has a routed output of 0.
struct CapacityFactor {
  /// Capacity as a multiple of an even share of the choices.
  double factor = 1.25;
  /// Minimum capacity of an expert, in rows; the capacity never exceeds the number of rows.
  Index minimum = 4;
  /// Whether gates are normalized before or after dropping.
  NormalizeGates normalize = NormalizeGates::before_dropping;
  /// Which rows are dropped.
  DropBy drop = DropBy::position;

  /// Throws Error for a factor or a minimum below 0; an infinite factor drops nothing.
  void require_fits() const {
    require(factor >= 0, "CapacityFactor", "the factor must not be negative, got ", factor);
    require(minimum >= 0, "CapacityFactor", "the minimum must not be negative, got ", minimum);
  }

  /// The capacity C, in rows.
  Index rows_per_expert(Demand demand) const {
    return share_of_expert(demand, demand.choices, factor, RoundShare::up, minimum);
  }
};

}  // namespace moe
