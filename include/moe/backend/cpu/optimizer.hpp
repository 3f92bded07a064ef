#pragma once

#include <cstdint>

#include "moe/backend/cpu/context.hpp"
#include "moe/backend/cpu/isa/instantiations.hpp"
#include "moe/core/adamw_scalars.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/master_weights.hpp"
#include "moe/core/random.hpp"

namespace moe::cpu {

/// AdamW (train/adamw.hpp).
template <class Backend>
class OptimizerOperations {
  using Context = cpu::Context<Backend>;

 public:
  /// One AdamW step (equations in AdamWScalars) on `size` weights w with moments m and v, the values of a tensor from
  /// position `first` on, a multiple of 64. train/adamw_state.hpp describes how weights and moments are stored; `key`
  /// is the random key of stochastic rounding.
  template <MasterWeights master, class Weight, class Moment>
  static void adamw(const Context& context, Index size, AdamWScalars<Accum<Weight>> pace, RandomKey key, Index first,
                    const Accum<Weight>* gradient, Weight* w, std::uint16_t* lower, Moment* m, Moment* v) {
    const auto step = cpu::adamw_kernel<master, Weight, Moment>();
    cpu::parallel_tiles(context, size, 8192, [&](Index at, Index end) {
      step(end - at, pace, key, first + at, gradient + at, w + at, lower == nullptr ? nullptr : lower + at, m + at,
           v + at);
    });
  }
  /// Rounds each w to the nearest bfloat16. The lower 16 bits of the original go to `lower` unless it is null.
  template <class Weight>
  static void narrow_weights(const Context& context, Index size, Weight* w, std::uint16_t* lower) {
    Backend::for_each_element(context, size, [=](Index i) {
      const float whole = widened(w[i]);
      if (lower != nullptr) lower[i] = lower_half(whole);
      w[i] = Weight(widened(lower != nullptr ? upper_half(whole) : BFloat16(whole)));
    });
  }
};

}  // namespace moe::cpu
