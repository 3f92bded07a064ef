#pragma once

#include <algorithm>
#include <cmath>

#include "moe/core/index.hpp"
#include "moe/routing/capacity/capacity.hpp"

namespace moe {

/// Whole rows out of a share that is none.
enum class RoundShare { down, up };

/// Rows that an expert takes of a capacity that is a share: factor wanted / experts, rounded, at least `least` and at
/// most all rows that there are; none of no experts. Exact for fewer than 2^53 rows and choices.
inline Index share_of_expert(Demand demand, Index wanted, double factor, RoundShare round, Index least) {
  if (demand.experts == 0) return 0;
  const double exact = factor * static_cast<double>(wanted) / static_cast<double>(demand.experts);
  const double share = round == RoundShare::up ? std::ceil(exact) : std::floor(exact);
  const Index most = demand.rows, lowest = (std::min)(least, most);
  // Compared before it becomes an integer: no factor, however large, is out of range. NaN takes the lowest.
  if (!(share > static_cast<double>(lowest))) return lowest;
  return share < static_cast<double>(most) ? static_cast<Index>(share) : most;
}

}  // namespace moe
