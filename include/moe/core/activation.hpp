#pragma once

#include <cmath>
#include <concepts>
#include <type_traits>

#include "moe/core/host_device.hpp"
#include "moe/core/sigmoid.hpp"

namespace moe {

/// Elementwise activation function of a feed-forward network: `Real value(Real z) const` and `Real derivative(Real z)
/// const`, for float and double, both MOE_HOST_DEVICE. It has no weights and is default-constructed where it is needed,
/// so all of its settings are part of its type.
template <class A>
concept Activation = std::is_trivially_copyable_v<A> && std::default_initializable<A> &&
    requires(const A& activation, float narrow, double wide) {
  { activation.value(narrow) } -> std::same_as<float>;
  { activation.derivative(narrow) } -> std::same_as<float>;
  { activation.value(wide) } -> std::same_as<double>;
  { activation.derivative(wide) } -> std::same_as<double>;
};

/// z sigmoid(z), also called Swish with beta 1. With a gate it gives SwiGLU.
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

/// z P(Z <= z) for a standard normal Z, computed by the error function.
struct Gelu {
  template <class Real>
  MOE_HOST_DEVICE Real value(Real z) const {
    return z * below(z);
  }
  template <class Real>
  MOE_HOST_DEVICE Real derivative(Real z) const {
    using std::exp;
    // Where z * z is infinite, the density is 0. The product must then be 0 as well, also for an infinite z.
    const Real density = Real(0.3989422804014327) * exp(Real(-0.5) * z * z);
    return below(z) + (density == 0 ? Real(0) : z * density);
  }

 private:
  /// P(Z <= z), precise also where it is small.
  template <class Real>
  MOE_HOST_DEVICE static Real below(Real z) {
    using std::erfc;
    return Real(0.5) * erfc(Real(-0.7071067811865476) * z);
  }
};

/// The tanh approximation of GELU, 0.5 z (1 + tanh(u)) = z sigmoid(2 u) with u = sqrt(2 / pi) (z + 0.044715 z^3), as
/// used by GPT-2 and Gemma.
struct GeluTanh {
  template <class Real>
  MOE_HOST_DEVICE Real value(Real z) const {
    return z * sigmoid(twice_u(z));
  }
  template <class Real>
  MOE_HOST_DEVICE Real derivative(Real z) const {
    const Real sig = sigmoid(twice_u(z)), slope = sig * (1 - sig);
    // Where the slope is 0, z * z may be infinite.
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
