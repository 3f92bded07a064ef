#pragma once

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "moe/core/adamw_scalars.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/master_weights.hpp"

namespace moe::gpu {

/// One weight with its AdamW moments; step() applies the equations of AdamWScalars.
template <class Real>
struct AdamWValue {
  Real w, m, v;

  MOE_HOST_DEVICE void step(const AdamWScalars<Real>& pace, Real gradient) {
    using std::sqrt;
    const Real g = pace.scale * gradient;
    m = pace.beta_1 * m + pace.rest_1 * g;
    v = pace.beta_2 * v + pace.rest_2 * g * g;
    w = pace.keep * w - pace.rate * m / (sqrt(v) * pace.root + pace.epsilon);
  }
};

/// A value in its storage type, with stochastic rounding for bfloat16.
template <class Kept>
MOE_HOST_DEVICE Kept kept_as(Accum<Kept> value, std::uint32_t random) {
  if constexpr (std::is_same_v<Kept, BFloat16>)
    return stochastic_round(value, random);
  else
    return value;
}

/// One AdamW step on value i of those of a weight tensor from position `first` on, stored as in train/adamw_state.hpp.
template <MasterWeights master, class Real, class Gradient, class Weight, class Moment>
struct AdamWStep {
  AdamWScalars<Real> pace;
  RandomKey key;
  Index first;
  const Gradient* gradient;
  Weight* w;
  std::uint16_t* lower;
  Moment *m, *v;

  MOE_HOST_DEVICE void operator()(Index i) const {
    AdamWValue<Real> value{widened(w[i]), widened(m[i]), widened(v[i])};
    if constexpr (master == MasterWeights::split) value.w = joined(BFloat16(value.w), lower[i]);
    value.step(pace, widened(gradient[i]));
    std::uint32_t of_moments = 0, of_weight = 0;
    if constexpr (std::is_same_v<Moment, BFloat16> || master == MasterWeights::bfloat16) {
      const Index position = first + i;
      const RoundingOfFour random(key, position / 4);
      of_moments = random.moments[static_cast<std::size_t>(position % 4)];
      of_weight = random.weights[static_cast<std::size_t>(position % 4)];
    }
    m[i] = kept_as<Moment>(value.m, of_moments);
    v[i] = kept_as<Moment>(value.v, of_moments >> 16);
    if constexpr (master == MasterWeights::split) lower[i] = lower_half(value.w);
    if constexpr (master == MasterWeights::float32)
      w[i] = value.w;
    else if constexpr (master == MasterWeights::split)
      w[i] = Weight(widened(upper_half(value.w)));
    else
      w[i] = Weight(widened(stochastic_round(value.w, of_weight)));
  }
};

}  // namespace moe::gpu
