#pragma once

#include <type_traits>

#include "moe/backend/cuda/swiglu.cuh"
#include "moe/backend/cuda/vector_access.cuh"
#include "moe/core/activation.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/view.hpp"

namespace moe::gpu {

/// activation(a) b.
template <Activation A, class Real>
MOE_HOST_DEVICE Real glu(const A& activation, Real a, Real b) {
  if constexpr (std::is_same_v<A, Silu>)
    return swiglu(a, b);
  else
    return activation.value(a) * b;
}

/// With d_h = gate d, where d is the input in d_to_h: a becomes d_a = d_h b activation'(a), b becomes
/// d_b = d_h activation(a), and d becomes gate h with h = activation(a) b. Returns d h.
template <Activation A, class Real>
MOE_HOST_DEVICE Real glu_backward(const A& activation, Real gate, Real& a_to_d_a, Real& b_to_d_b, Real& d_to_h) {
  if constexpr (std::is_same_v<A, Silu>) {
    return swiglu_backward(gate, a_to_d_a, b_to_d_b, d_to_h);
  } else {
    const Real a = a_to_d_a, b = b_to_d_b, d = d_to_h, value = activation.value(a), h = value * b, d_h = gate * d;
    a_to_d_a = d_h * b * activation.derivative(a);
    b_to_d_b = d_h * value;
    d_to_h = gate * h;
    return d * h;
  }
}

/// One row of h = activation(a) b, or of activation(a) without b.
template <bool has_b, class B, class Value, Activation A>
struct GluRow {
  View<const Value, B> a_NF, b_NF;
  View<Value, B> h_NF;
  bool aligned;
  A activation;

  MOE_ON_DEVICE void operator()(Index n, typename B::Team team) const {
    for_each_vector<packet<Value>>(team, h_NF.cols, [&](Index at, auto taken) {
      constexpr int count = decltype(taken)::value;
      Numbers<Accum<Value>, count> a, b;
      load<count>(&a_NF(n, at), aligned, a);
      if constexpr (has_b)
        load<count>(&b_NF(n, at), aligned, b);
      else
        for (int i = 0; i < count; ++i) b[i] = 1;
      for (int i = 0; i < count; ++i) a[i] = glu(activation, a[i], b[i]);
      store<count>(&h_NF(n, at), aligned, a);
    });
  }
};

/// One row of the backward of GluRow, with d as the input in h: a, b and h become d_a, d_b and gate h, and the gradient
/// of the gate is <d, h>. Without gates the gate is 1.
template <bool has_b, class B, class Value, Activation A>
struct GluBackwardRow {
  View<Value, B> a_to_d_a_NF, b_to_d_b_NF, h_NF;
  View<const Accum<Value>, B> gates_1N;
  View<Accum<Value>, B> d_gates_1N;
  bool aligned, has_gates;
  A activation;

  MOE_ON_DEVICE void operator()(Index n, typename B::Team team) const {
    using Real = Accum<Value>;
    const Real gate = has_gates ? gates_1N(0, n) : Real(1);
    Real sum = 0;
    for_each_vector<packet<Value>>(team, h_NF.cols, [&](Index at, auto taken) {
      constexpr int count = decltype(taken)::value;
      Numbers<Real, count> a, b, d_h;
      load<count>(&a_to_d_a_NF(n, at), aligned, a);
      if constexpr (has_b)
        load<count>(&b_to_d_b_NF(n, at), aligned, b);
      else
        for (int i = 0; i < count; ++i) b[i] = 1;
      load<count>(&h_NF(n, at), aligned, d_h);
      for (int i = 0; i < count; ++i) sum += glu_backward(activation, gate, a[i], b[i], d_h[i]);
      store<count>(&a_to_d_a_NF(n, at), aligned, a);
      if constexpr (has_b) store<count>(&b_to_d_b_NF(n, at), aligned, b);
      store<count>(&h_NF(n, at), aligned, d_h);
    });
    sum = team.sum(sum);
    if (has_gates && team.rank() == 0) d_gates_1N(0, n) = sum;
  }
};

}  // namespace moe::gpu
