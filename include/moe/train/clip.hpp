#pragma once

#include <algorithm>
#include <cmath>

#include "moe/core/require.hpp"
#include "moe/train/walk.hpp"

namespace moe {

/// The Euclidean norm over all values of a gradient tree, summed in double in a fixed order. Not finite if any value is
/// not finite.
template <Module Tree>
double global_norm(const typename Tree::Context& context, const Tree& gradient) {
  double squares = 0;
  for_each_tensor(
      [&](const auto& tensor) {
        if (!tensor.empty()) squares += Tree::Backend::sum_of_squares(context, tensor.view());
      },
      gradient);
  return std::sqrt(squares);
}

/// The factor that clips a gradient of norm `norm` to a norm of about `limit`: limit / (norm + 1e-6) if that is below
/// 1, otherwise 1. An infinite limit clips nothing. Throws Error if the limit is not above 0 or the norm is negative.
/// The result for a norm that is not finite has no meaning: check the norm first.
inline double clip_factor(double norm, double limit) {
  require(limit > 0, "clip_factor", "the limit must be above 0, got ", limit);
  require(!(norm < 0), "clip_factor", "a norm must not be negative, got ", norm);
  return (std::min)(1.0, limit / (norm + 1e-6));
}

}  // namespace moe
