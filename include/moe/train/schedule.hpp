#pragma once

#include <cmath>
#include <numbers>

#include "moe/core/index.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Rises linearly from 0 to `peak` over `warm_up` steps, falls along half a cosine to `floor` at step `total`, stays
/// there.
struct CosineSchedule {
  /// Highest learning rate, at step `warm_up`.
  double peak = 1e-3;
  /// Learning rate from step `total` on.
  double floor = 0;
  /// Steps of the rise.
  Index warm_up = 0;
  /// Steps of the whole.
  Index total = 1;

  /// The learning rate of step number `step`, counted from 1. Throws Error for a step below 1, rates that are negative
  /// or not finite and negative numbers of steps.
  double at(Index step) const {
    const auto is_rate = [](double rate) { return rate >= 0 && std::isfinite(rate); };
    require(is_rate(peak) && is_rate(floor), "CosineSchedule", "peak and floor must be finite and not negative, got ",
            peak, " and ", floor);
    require(warm_up >= 0 && total >= 0, "CosineSchedule", "warm_up and total must not be negative, got ", warm_up,
            " and ", total);
    require(step >= 1, "CosineSchedule", "steps count from 1, got ", step);
    if (step <= warm_up) return peak * static_cast<double>(step) / static_cast<double>(warm_up);
    if (step >= total) return floor;
    const double progress = static_cast<double>(step - warm_up) / static_cast<double>(total - warm_up);
    return floor + 0.5 * (1 + std::cos(std::numbers::pi * progress)) * (peak - floor);
  }
};

}  // namespace moe
