#pragma once

#include <type_traits>

#include "moe/backend/cpu/isa/instantiations.hpp"
#include "moe/core/activation.hpp"
#include "moe/core/index.hpp"

namespace moe::cpu {

/// h = activation(a) b, or activation(a) if b is null. h may be a. SwiGLU has kernels of its own.
template <Activation A, class Real>
void glu(const A& activation, Index size, const Real* a, const Real* b, Real* h) {
  if constexpr (std::is_same_v<A, Silu>) {
    if (b != nullptr) return swiglu_kernels<Real>().forward(size, a, b, h);
  }
  if (b == nullptr)
    for (Index i = 0; i < size; ++i) h[i] = activation.value(a[i]);
  else
    for (Index i = 0; i < size; ++i) h[i] = activation.value(a[i]) * b[i];
}

/// With d_h = gate d, where d is the input in d_h_to_h: a becomes d_a = d_h b activation'(a), b becomes
/// d_b = d_h activation(a), and d becomes gate h with h = activation(a) b recomputed. A null b stands for all ones.
/// Returns <d, h>.
template <Activation A, class Real>
Real glu_backward(const A& activation, Index size, Real gate, Real* a_to_d_a, Real* b_to_d_b, Real* d_h_to_h) {
  if constexpr (std::is_same_v<A, Silu>) {
    if (b_to_d_b != nullptr) return swiglu_kernels<Real>().backward(size, gate, a_to_d_a, b_to_d_b, d_h_to_h);
  }
  Real sum = 0;
  for (Index i = 0; i < size; ++i) {
    const Real b = b_to_d_b == nullptr ? Real(1) : b_to_d_b[i], value = activation.value(a_to_d_a[i]);
    const Real h = value * b, d = d_h_to_h[i], d_h = gate * d;
    sum += d * h;
    a_to_d_a[i] = d_h * b * activation.derivative(a_to_d_a[i]);
    if (b_to_d_b != nullptr) b_to_d_b[i] = d_h * value;
    d_h_to_h[i] = gate * h;
  }
  return sum;
}

}  // namespace moe::cpu
