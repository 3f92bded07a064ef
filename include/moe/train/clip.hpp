#pragma once

#include <algorithm>
#include <cmath>

#include "moe/core/require.hpp"
#include "moe/train/walk.hpp"

namespace moe {

/// The Euclidean norm of all of a gradient's values together, summed in double in a fixed order. Not finite as soon as
/// one value is not.
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

/// What to multiply a gradient of norm `norm` by so that its norm is at most about `limit`: limit / (norm + 1e-6) where
/// that is below 1, otherwise 1. Throws Error for a limit that is not above 0 and for a negative norm; an infinite
/// limit clips nothing. What a norm that is not finite gives has no meaning: look at the norm first.
inline double clip_factor(double norm, double limit) {
  require(limit > 0, "clip_factor", "the limit must be above 0, got ", limit);
  require(!(norm < 0), "clip_factor", "a norm must not be negative, got ", norm);
  return (std::min)(1.0, limit / (norm + 1e-6));
}

}  // namespace moe
