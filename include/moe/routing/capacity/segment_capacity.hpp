#pragma once

#include <algorithm>
#include <cmath>

#include "moe/core/require.hpp"
#include "moe/routing/capacity/capacity.hpp"

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
    if (demand.rows == 0 || demand.experts == 0) return 0;
    const double share = static_cast<double>(demand.rows) * factor / static_cast<double>(demand.experts);
    // Clamped before it becomes an integer: no factor, however large, is out of range. NaN takes 1.
    if (!(share >= 1)) return 1;
    return static_cast<Index>(std::floor((std::min)(share, static_cast<double>(demand.rows))));
  }
};

}  // namespace moe
