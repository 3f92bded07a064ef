#pragma once

#include <cmath>
#include <concepts>
#include <type_traits>

#include "moe/core/host_device.hpp"
#include "moe/core/sigmoid.hpp"

namespace moe {

/// What a feed-forward network puts between its products, value by value: `Real value(Real z) const` and its
/// `Real derivative(Real z) const`, for float and double, both MOE_HOST_DEVICE. It has no weights and is made anew
/// where it is needed, so that whatever it can be set to is part of its type.
template <class A>
concept Activation = std::is_trivially_copyable_v<A> && std::default_initializable<A> &&
    requires(const A& activation, float narrow, double wide) {
  { activation.value(narrow) } -> std::same_as<float>;
  { activation.derivative(narrow) } -> std::same_as<float>;
  { activation.value(wide) } -> std::same_as<double>;
  { activation.derivative(wide) } -> std::same_as<double>;
};

/// z sigmoid(z), Swish of beta 1: with a gate it is SwiGLU.
struct Silu {
  template <class Real>
  MOE_HOST_DEVICE Real value(Real z) const {
    return z * sigmoid(z);
  }
  template <class Real>
  MOE_HOST_DEVICE Real derivative(Real z) const {
    const Real sig = sigmoid(z);
    return sig * (1 + z * (1 - sig));
  }
};

/// z P(Z <= z) for a standard normal Z, by the error function.
struct Gelu {
  template <class Real>
  MOE_HOST_DEVICE Real value(Real z) const {
    return z * below(z);
  }
  template <class Real>
  MOE_HOST_DEVICE Real derivative(Real z) const {
    using std::exp;
    // Where the square is infinite its exponential is 0, and so must the product be.
    const Real density = Real(0.3989422804014327) * exp(Real(-0.5) * z * z);
    return below(z) + (density == 0 ? Real(0) : z * density);
  }

 private:
  /// P(Z <= z), precise where it is small.
  template <class Real>
  MOE_HOST_DEVICE static Real below(Real z) {
    using std::erfc;
    return Real(0.5) * erfc(Real(-0.7071067811865476) * z);
  }
};

/// Gelu's approximation 0.5 z (1 + tanh(u)) = z sigmoid(2 u) with u = sqrt(2 / pi) (z + 0.044715 z^3), which GPT-2 and
/// Gemma have.
struct GeluTanh {
  template <class Real>
  MOE_HOST_DEVICE Real value(Real z) const {
    return z * sigmoid(twice_u(z));
  }
  template <class Real>
  MOE_HOST_DEVICE Real derivative(Real z) const {
    const Real sig = sigmoid(twice_u(z)), slope = sig * (1 - sig);
    // Where it is flat, the square may be infinite.
    return sig + (slope == 0 ? Real(0) : z * slope * Real(1.5957691216057308) * (1 + Real(0.134145) * z * z));
  }

 private:
  template <class Real>
  MOE_HOST_DEVICE static Real twice_u(Real z) {
    return Real(1.5957691216057308) * z * (1 + Real(0.044715) * z * z);
  }
};

/// max(z, 0); its derivative at 0 is 0.
struct Relu {
  template <class Real>
  MOE_HOST_DEVICE Real value(Real z) const {
    return z < 0 ? Real(0) : z;
  }
  template <class Real>
  MOE_HOST_DEVICE Real derivative(Real z) const {
    return z <= 0 ? Real(0) : Real(1);
  }
};

/// max(z, 0)^2 (So et al. 2021, arXiv 2109.08668).
struct ReluSquared {
  template <class Real>
  MOE_HOST_DEVICE Real value(Real z) const {
    return z < 0 ? Real(0) : z * z;
  }
  template <class Real>
  MOE_HOST_DEVICE Real derivative(Real z) const {
    return z < 0 ? Real(0) : 2 * z;
  }
};

}  // namespace moe
