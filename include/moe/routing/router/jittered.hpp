#pragma once

#include <concepts>

#include "moe/core/index.hpp"
#include "moe/core/require.hpp"
#include "moe/core/settings.hpp"

namespace moe {

/// A router with input jitter: in training its rows are multiplied by random numbers, uniform in [1 - jitter, 1 +
/// jitter] (Switch, Fedus et al. 2021, arXiv 2101.03961: 0.01), so that close decisions vary: Jittered<TopK>{{.k = 1}}.
/// Experts, and the router in inference, read the rows unchanged. The numbers depend on the batch's random key, on the
/// layer and on the position in the call.
template <class R>
struct Jittered : R {
  /// Half the width of the range of the factors; in [0, 1).
  double jitter = 0.01;

  /// Throws Error for a jitter outside [0, 1), and if the settings of R do not fit.
  void require_fits(Index experts) const {
    require(jitter >= 0 && jitter < 1, "Jittered", "the jitter must lie in [0, 1), got ", jitter);
    require_settings(static_cast<const R&>(*this), experts);
  }
};

/// A router with input jitter in training.
template <class R>
concept JittersInput = requires(const R& router) {
  { router.jitter } -> std::convertible_to<double>;
};

}  // namespace moe
