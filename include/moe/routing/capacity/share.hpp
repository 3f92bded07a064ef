#pragma once

#include <algorithm>
#include <cmath>

#include "moe/core/index.hpp"
#include "moe/routing/capacity/capacity.hpp"

namespace moe {

/// How a fractional share is rounded to whole rows.
enum class RoundShare { down, up };

/// Number of rows per expert for a capacity that is a share: factor wanted / experts, rounded, at least `least` and at
/// most all rows; 0 without experts. Exact for fewer than 2^53 rows and choices.
inline Index share_of_expert(Demand demand, Index wanted, double factor, RoundShare round, Index least) {
  if (demand.experts == 0) return 0;
  const double exact = factor * static_cast<double>(wanted) / static_cast<double>(demand.experts);
  const double share = round == RoundShare::up ? std::ceil(exact) : std::floor(exact);
  const Index most = demand.rows, lowest = (std::min)(least, most);
  // Compared before the conversion to an integer, so that a large factor cannot overflow. NaN gives `lowest`.
  if (!(share > static_cast<double>(lowest))) return lowest;
  return share < static_cast<double>(most) ? static_cast<Index>(share) : most;
}

}  // namespace moe
