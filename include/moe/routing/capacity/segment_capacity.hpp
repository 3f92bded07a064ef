#pragma once

#include "moe/core/require.hpp"
#include "moe/routing/capacity/capacity.hpp"
#include "moe/routing/capacity/share.hpp"

namespace moe {

/// r = floor(V c / N) of V segments for each of N experts (eq. 3), at least 1 and at most V; 0 of 0.
struct SegmentCapacity {
  /// Where rows choose it has no say.
  static constexpr bool is_share = true;

  /// c of eq. 3: experts that a segment meets on average.
  double factor = 1;

  /// Throws Error for a factor that is not above 0.
  void require_fits() const { require(factor > 0, "SegmentCapacity", "the factor must be above 0, got ", factor); }

  /// r.
  Index rows_per_expert(Demand demand) const {
    return share_of_expert(demand, demand.rows, factor, RoundShare::down, 1);
  }
};

}  // namespace moe
