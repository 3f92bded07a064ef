#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "moe/backend/cpu/row_kernel.hpp"
#include "moe/backend/cpu/simd.hpp"
#include "moe/core/sigmoid.hpp"

namespace moe::cpu {

/// Largest exponent in a sigmoid; above it the exponential counts as infinite.
template <class Real>
inline constexpr Real exponent_limit = std::is_same_v<Real, float> ? Real(88.3762626f) : largest_exponent<Real>;

/// e^x in every lane, within 2 units in the last place; a value's bits do not depend on its lane. In float, x is
/// clamped to about [-87, 88].
template <class Real>
[[gnu::always_inline]] inline Lanes<Real> exp(Lanes<Real> x) {
  if constexpr (std::is_same_v<Real, float>) {
    // x = n ln 2 + r, with ln 2 in two parts so that r has no rounding error. e^r is a polynomial; n is written into
    // the exponent bits for 2^n.
    typedef std::int32_t Bits __attribute__((vector_size(vector_bytes)));
    // opaque() prevents simplification, after which n would not be an integer and r would not be exact.
    constexpr float most = exponent_limit<float>, least = -87.3365479f, round = 12582912.0f;
    Lanes<float> z = x > most ? most + Lanes<float>{} : x;
    z = z < least ? least + Lanes<float>{} : z;
    const Lanes<float> shifted = opaque(z * 1.44269504f + round);
    const Lanes<float> n = shifted - round;
    const Lanes<float> r = opaque(z - n * 0.693359375f) + n * 2.12194440e-4f;
    Lanes<float> p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    const Bits exponent = (reinterpret_cast<Bits>(shifted) << 23) + (127 << 23);
    return p * reinterpret_cast<Lanes<float>>(exponent);
  } else {
    Lanes<Real> result;
    for (Index l = 0; l < lanes<Real>; ++l) result[l] = std::exp(x[l]);
    return result;
  }
}

/// moe::sigmoid in every lane.
template <class Real>
[[gnu::always_inline]] inline Lanes<Real> sigmoid(Lanes<Real> z) {
  return -z > exponent_limit<Real> ? Lanes<Real>{} : Real(1) / (Real(1) + exp<Real>(-z));
}

/// Calls f(at, count) for blocks of at most one vector that cover [0, size).
template <class Real, class F>
[[gnu::always_inline]] inline void for_each_vector(Index size, const F& f) {
  Index at = 0;
  for (; at + lanes<Real> <= size; at += lanes<Real>) f(at, lanes<Real>);
  if (at < size) f(at, size - at);
}

/// h = silu(a) b. h may be a.
template <class Real>
[[gnu::noinline]] void swiglu(Index size, const Real* a, const Real* b, Real* h) {
  for_each_vector<Real>(size, [=](Index at, Index count) {
    const Lanes<Real> z = load(a + at, count);
    store(h + at, z * sigmoid<Real>(z) * load(b + at, count), count);
  });
}

/// With d_h = gate d, where d = d_y down is the input in d_h_to_h: a becomes d_a = d_h b sig(a) (1 + a (1 - sig(a))),
/// b becomes d_b = d_h silu(a), and d becomes gate h with h = silu(a) b recomputed. Returns <d, h>.
template <class Real>
[[gnu::noinline]] Real swiglu_backward(Index size, Real gate, Real* a_to_d_a, Real* b_to_d_b, Real* d_h_to_h) {
  Lanes<Real> sum = {};
  for_each_vector<Real>(size, [=, &sum](Index at, Index count) {
    const Lanes<Real> a = load(a_to_d_a + at, count), b = load(b_to_d_b + at, count), d = load(d_h_to_h + at, count);
    const Lanes<Real> sig = sigmoid<Real>(a), silu = a * sig, h = silu * b, d_h = gate * d;
    sum += d * h;
    store(d_h_to_h + at, gate * h, count);
    store(a_to_d_a + at, d_h * b * sig * (Real(1) + a * (Real(1) - sig)), count);
    store(b_to_d_b + at, d_h * silu, count);
  });
  return sum_of_lanes<Real>(sum);
}

}  // namespace moe::cpu
