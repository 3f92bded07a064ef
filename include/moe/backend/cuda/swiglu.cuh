#pragma once

#include "moe/core/host_device.hpp"
#include "moe/core/sigmoid.hpp"

namespace moe::gpu {

/// silu(a) b.
template <class Real>
MOE_HOST_DEVICE Real swiglu(Real a, Real b) {
  return a * sigmoid(a) * b;
}

/// With d_h = gate d, where d is the input in d_to_h: a becomes d_a = d_h b sig(a) (1 + a (1 - sig(a))), b becomes
/// d_b = d_h silu(a), and d becomes gate h with h = silu(a) b. Returns d h.
template <class Real>
MOE_HOST_DEVICE Real swiglu_backward(Real gate, Real& a_to_d_a, Real& b_to_d_b, Real& d_to_h) {
  const Real a = a_to_d_a, b = b_to_d_b, d = d_to_h, sig = sigmoid(a), silu = a * sig, h = silu * b, d_h = gate * d;
  a_to_d_a = d_h * b * sig * (1 + a * (1 - sig));
  b_to_d_b = d_h * silu;
  d_to_h = gate * h;
  return d * h;
}

}  // namespace moe::gpu
