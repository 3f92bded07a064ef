#pragma once

#include <cmath>
#include <string_view>

#include "moe/core/index.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Calls a policy's or part's check of its own settings, if it has one: `void require_fits(Index size) const`, or
/// `require_fits()` if the check needs no size, which throws Error for invalid settings. The size is the number of
/// experts for routers, normalizers, capacities and balances, and the width of rows for segmenters, sources, fusions
/// and always-on paths. Layers call this in their constructors and in every public function, since settings may be
/// assigned later.
template <class Part>
void require_settings(const Part& part, Index size) {
  if constexpr (requires { part.require_fits(size); })
    part.require_fits(size);
  else if constexpr (requires { part.require_fits(); })
    part.require_fits();
}

/// The check of routers that select k experts per row. Throws Error unless k lies in [1, experts].
inline void require_choices(std::string_view where, Index k, Index experts) {
  require(k >= 1 && k <= experts, where, "k must lie in [1, ", experts, "], got ", k);
}

/// Whether a setting is finite and not below `least`; false for NaN.
inline bool is_finite_from(double least, double setting) { return setting >= least && std::isfinite(setting); }

}  // namespace moe
