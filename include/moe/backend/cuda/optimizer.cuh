#pragma once

#include <cstdint>

#include "moe/backend/cuda/adamw.cuh"
#include "moe/backend/cuda/context.cuh"
#include "moe/core/adamw_scalars.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/master_weights.hpp"
#include "moe/core/random.hpp"

namespace moe::gpu {

/// AdamW (train/adamw.hpp).
template <class Backend, class Device>
class OptimizerOperations {
  using Context = gpu::Context<Backend, Device>;

 public:
  /// One AdamW step (equations in AdamWScalars) on `size` weights w with moments m and v, the values of a tensor from
  /// position `first` on. train/adamw_state.hpp describes how weights and moments are stored; `key` is the random key
  /// of stochastic rounding.
  template <MasterWeights master, class Real, class Gradient, class Weight, class Moment>
  static void adamw(const Context& context, Index size, AdamWScalars<Real> pace, RandomKey key, Index first,
                    const Gradient* gradient, Weight* w, std::uint16_t* lower, Moment* m, Moment* v) {
    Backend::for_each_element(
        context, size,
        gpu::AdamWStep<master, Real, Gradient, Weight, Moment>{pace, key, first, gradient, w, lower, m, v});
  }
  /// Rounds each w to the nearest bfloat16. The lower 16 bits of the original go to `lower` unless it is null.
  template <class Weight>
  static void narrow_weights(const Context& context, Index size, Weight* w, std::uint16_t* lower) {
    Backend::for_each_element(context, size, [=] MOE_ON_DEVICE(Index i) {
      const float whole = widened(w[i]);
      if (lower != nullptr) lower[i] = lower_half(whole);
      w[i] = Weight(widened(lower != nullptr ? upper_half(whole) : BFloat16(whole)));
    });
  }
};

}  // namespace moe::gpu
