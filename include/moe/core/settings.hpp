#pragma once

#include <cmath>
#include <string_view>

#include "moe/core/index.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Asks a policy or a part of a layer for its own rule, where it states one: `void require_fits(Index size) const`, or
/// `require_fits()` where the rule needs no size, throws Error for settings that have no meaning. The size is the
/// number of experts for routers, normalizers, capacities and balances, and the width of rows for segmenters, sources,
/// fusions and always-on paths. Layers ask when they are built and at every public entry, since settings may be
/// assigned later.
template <class Part>
void require_settings(const Part& part, Index size) {
  if constexpr (requires { part.require_fits(size); })
    part.require_fits(size);
  else if constexpr (requires { part.require_fits(); })
    part.require_fits();
}

/// The rule of routers whose rows choose k experts.
inline void require_choices(std::string_view where, Index k, Index experts) {
  require(k >= 1 && k <= experts, where, "k must lie in [1, ", experts, "], got ", k);
}

/// Whether a setting is a number that is not below `least`: NaN and infinities are not.
inline bool is_finite_from(double least, double setting) { return setting >= least && std::isfinite(setting); }

}  // namespace moe
