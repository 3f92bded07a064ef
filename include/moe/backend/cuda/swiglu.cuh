#pragma once

#include <cmath>

#include "moe/core/host_device.hpp"

namespace moe::gpu {

/// 1 / (1 + exp(-z)).
template <class Real>
MOE_HOST_DEVICE Real sigmoid(Real z) {
  using std::exp;
  return 1 / (1 + exp(-z));
}

/// silu(a) b.
template <class Real>
MOE_HOST_DEVICE Real swiglu(Real a, Real b) {
  return a * sigmoid(a) * b;
}

/// Where d_h, a and b stood, h, d_a and d_b stand afterwards: d_a = d_h b sig(a) (1 + a (1 - sig(a))), d_b = d_h
/// silu(a), h = silu(a) b.
template <class Real>
MOE_HOST_DEVICE void swiglu_back(Real& a_to_d_a, Real& b_to_d_b, Real& d_h_to_h) {
  const Real a = a_to_d_a, b = b_to_d_b, d_h = d_h_to_h, sig = sigmoid(a), silu = a * sig;
  a_to_d_a = d_h * b * sig * (1 + a * (1 - sig));
  b_to_d_b = d_h * silu;
  d_h_to_h = silu * b;
}

}  // namespace moe::gpu
