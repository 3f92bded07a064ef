#pragma once

#include <concepts>

#include "moe/core/index.hpp"
#include "moe/core/require.hpp"
#include "moe/core/settings.hpp"

namespace moe {

/// A router that in training reads its rows times random numbers, uniform in [1 - jitter, 1 + jitter] (Switch, Fedus et
/// al. 2021, arXiv 2101.03961: 0.01), so that close decisions fall now this way and now that: Jittered<TopK>{{.k = 1}}.
/// Experts and inference see the rows as they are. The numbers depend on the batch's random key, on the layer and on
/// the place in the call.
template <class R>
struct Jittered : R {
  /// Half the width of what rows are multiplied by; in [0, 1).
  double jitter = 0.01;

  /// Throws Error for a jitter beyond [0, 1) and where R does.
  void require_fits(Index experts) const {
    require(jitter >= 0 && jitter < 1, "Jittered", "the jitter must lie in [0, 1), got ", jitter);
    require_settings(static_cast<const R&>(*this), experts);
  }
};

/// A router whose training multiplies what it reads.
template <class R>
concept JittersInput = requires(const R& router) {
  { router.jitter } -> std::convertible_to<double>;
};

}  // namespace moe
