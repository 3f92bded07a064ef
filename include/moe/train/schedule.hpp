#pragma once

#include <cmath>
#include <numbers>

#include "moe/core/index.hpp"

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

  /// The learning rate of step number `step`, counted from 1.
  double at(Index step) const {
    if (step <= warm_up) return peak * static_cast<double>(step) / static_cast<double>(warm_up);
    if (step >= total) return floor;
    const double progress = static_cast<double>(step - warm_up) / static_cast<double>(total - warm_up);
    return floor + 0.5 * (1 + std::cos(std::numbers::pi * progress)) * (peak - floor);
  }
};

}  // namespace moe
