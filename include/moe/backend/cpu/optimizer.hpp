#pragma once

#include <cstdint>
#include <type_traits>

#include "moe/backend/cpu/adamw.hpp"
#include "moe/backend/cpu/context.hpp"
#include "moe/backend/cpu/swiglu.hpp"
#include "moe/core/adamw_scalars.hpp"
#include "moe/core/master_weights.hpp"
#include "moe/core/random.hpp"

namespace moe::cpu {

/// AdamW (train/adamw.hpp).
template <class Backend>
class OptimizerOperations {
  using Context = cpu::Context<Backend>;

 public:
  /// One AdamW step (equations in AdamWScalars) on `size` weights w with moments m and v. train/adamw_state.hpp
  /// describes how weights and moments are stored; `key` is the random key of stochastic rounding.
  template <MasterWeights master, class Real, class Moment>
  static void adamw(const Context& context, Index size, AdamWScalars<Real> pace, RandomKey key, const Real* gradient,
                    Real* w, std::uint16_t* lower, Moment* m, Moment* v) {
    constexpr bool is_plain = std::is_same_v<Moment, Real> && master == MasterWeights::float32;
    cpu::parallel_tiles(context, size, 8192, [&](Index begin, Index end) {
      cpu::for_each_vector<Real>(end - begin, [&](Index i, Index count) {
        const Index at = begin + i;
        if constexpr (is_plain) {
          const cpu::AdamWLanes<Real> next =
              cpu::stepped<Real>(pace, cpu::load(gradient + at, count),
                                 {cpu::load(w + at, count), cpu::load(m + at, count), cpu::load(v + at, count)});
          cpu::store(m + at, next.m, count);
          cpu::store(v + at, next.v, count);
          cpu::store(w + at, next.w, count);
        } else {
          const cpu::AdamWLanes<float> next =
              cpu::stepped<float>(pace, cpu::load(gradient + at, count),
                                  {cpu::load_master<master>(w, lower, at, count), cpu::load_moment(m + at, count),
                                   cpu::load_moment(v + at, count)});
          const cpu::RoundingLanes random(key, at);
          cpu::store_moment(m + at, next.m, random.moments, count);
          cpu::store_moment(v + at, next.v, random.moments >> 16, count);
          cpu::store_master<master>(w, lower, at, next.w, random.weights, count);
        }
      });
    });
  }
  /// Rounds each w to the nearest bfloat16. The lower 16 bits of the original go to `lower` unless it is null.
  static void narrow_weights(const Context& context, Index size, float* w, std::uint16_t* lower) {
    Backend::for_each_element(context, size, [=](Index i) {
      if (lower != nullptr) lower[i] = lower_half(w[i]);
      w[i] = static_cast<float>(lower != nullptr ? upper_half(w[i]) : BFloat16(w[i]));
    });
  }
};

}  // namespace moe::cpu
