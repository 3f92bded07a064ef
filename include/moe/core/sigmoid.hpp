#pragma once

#include <cmath>
#include <type_traits>

#include "moe/core/host_device.hpp"

namespace moe {

/// The largest number whose exponential is finite.
template <class Real>
inline constexpr Real largest_exponent = std::is_same_v<Real, float> ? Real(0x1.62e42ep+6f)
                                                                     : static_cast<Real>(0x1.62e42fefa39efp+9);

/// 1 / (1 + exp(-z)). Returns 0 explicitly where exp(-z) is infinite: compilers may replace the division by a
/// reciprocal estimate, which is NaN there.
template <class Real>
MOE_HOST_DEVICE Real sigmoid(Real z) {
  using std::exp;
  return z < -largest_exponent<Real> ? Real(0) : 1 / (1 + exp(-z));
}

}  // namespace moe
