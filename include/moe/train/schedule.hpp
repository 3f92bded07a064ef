#pragma once

#include <cmath>
#include <numbers>

#include "moe/core/index.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Learning-rate schedule: linear warm-up from 0 to `peak` over `warm_up` steps, cosine decay to `floor` at step
/// `total`, constant from there on.
struct CosineSchedule {
  /// Highest learning rate, at step `warm_up`.
  double peak = 1e-3;
  /// Learning rate from step `total` on.
  double floor = 0;
  /// Number of warm-up steps.
  Index warm_up = 0;
  /// Number of steps until `floor`, including the warm-up.
  Index total = 1;

  /// The learning rate of step number `step`, counted from 1. Throws Error if the step is below 1, a rate is negative
  /// or not finite, or a number of steps is negative.
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
