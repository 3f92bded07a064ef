#pragma once

#include "moe/core/require.hpp"
#include "moe/routing/capacity/capacity.hpp"
#include "moe/routing/capacity/share.hpp"

namespace moe {

/// Each of E experts takes r = floor(V c / E) of V segments (eq. 3), at least 1 and at most V; 0 if V is 0.
struct SegmentCapacity {
  /// Only for routers whose experts choose segments.
  static constexpr bool is_share = true;

  /// c of eq. 3: mean number of experts per segment.
  double factor = 1;

  /// Throws Error for a factor that is not above 0.
  void require_fits() const { require(factor > 0, "SegmentCapacity", "the factor must be above 0, got ", factor); }

  /// The number of segments per expert, r.
  Index rows_per_expert(Demand demand) const {
    return share_of_expert(demand, demand.rows, factor, RoundShare::down, 1);
  }
};

}  // namespace moe
