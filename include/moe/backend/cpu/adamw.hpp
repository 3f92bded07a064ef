#pragma once

#include <algorithm>
#include <cstring>

#include "moe/backend/cpu/simd.hpp"
#include "moe/core/adamw_scalars.hpp"
#include "moe/core/master_weights.hpp"

namespace moe::cpu {

/// A vector's values as bits.
using BitLanes = detail::VectorOf<std::uint32_t, vector_bytes>::type;
/// Half of each of them.
using HalfLanes = detail::VectorOf<std::uint16_t, vector_bytes / 2>::type;

/// Every value's bits.
[[gnu::always_inline]] inline BitLanes bits_of(Lanes<float> values) { return reinterpret_cast<BitLanes>(values); }
/// The values that have these bits.
[[gnu::always_inline]] inline Lanes<float> values_of(BitLanes bits) { return reinterpret_cast<Lanes<float>>(bits); }

/// The first `count` values of 16 bits from memory, zeros behind them.
template <class Half>
[[gnu::always_inline]] inline BitLanes load_halves(const Half* from, Index count) {
  static_assert(sizeof(Half) == 2);
  HalfLanes halves{};
  std::memcpy(&halves, from, static_cast<std::size_t>((std::min)(count, lanes<float>)) * sizeof(Half));
  return __builtin_convertvector(halves, BitLanes);
}
/// The lower halves of the first `count` lanes to memory.
template <class Half>
[[gnu::always_inline]] inline void store_halves(Half* to, BitLanes bits, Index count) {
  static_assert(sizeof(Half) == 2);
  const HalfLanes halves = __builtin_convertvector(bits, HalfLanes);
  std::memcpy(static_cast<void*>(to), &halves,
              static_cast<std::size_t>((std::min)(count, lanes<float>)) * sizeof(Half));
}

/// stochastic_round() in every lane, as the upper half of a float's bits.
[[gnu::always_inline]] inline BitLanes stochastic_round(Lanes<float> values, BitLanes random) {
  const BitLanes whole = bits_of(values);
  const auto is_finite = (whole & 0x7f800000u) != 0x7f800000u;
  // NaN keeps a bit that shows it, wherever in its fraction the others stood.
  const auto is_nan = (whole & 0x7fffffffu) > 0x7f800000u;
  return (whole + (random & 0xffffu & reinterpret_cast<BitLanes>(is_finite))) >> 16 |
         (reinterpret_cast<BitLanes>(is_nan) & 0x40u);
}

/// One vector of a tensor's values, as AdamW moves them.
template <class Real>
struct AdamWLanes {
  /// Weights.
  Lanes<Real> w;
  /// First moments.
  Lanes<Real> m;
  /// Second moments.
  Lanes<Real> v;
};
/// As AdamWScalars says.
template <class Real>
[[gnu::always_inline]] inline AdamWLanes<Real> stepped(const AdamWScalars<Real>& pace, Lanes<Real> gradient,
                                                       AdamWLanes<Real> at) {
  const auto g = pace.scale * gradient;
  const auto first = pace.beta_1 * at.m + pace.rest_1 * g;
  const auto second = pace.beta_2 * at.v + pace.rest_2 * g * g;
  const auto step = pace.rate * first / (sqrt<Real>(second) * pace.root + pace.epsilon);
  return {pace.keep * at.w - step, first, second};
}

/// The random bits of values [first, first + lanes) of a tensor; `first` is a multiple of four.
struct RoundingLanes {
  /// For the first moment in the lower halves, for the second in the upper ones.
  BitLanes moments;
  /// For the weights.
  BitLanes weights;

  /// Asks for all at once.
  [[gnu::always_inline]] RoundingLanes(RandomKey key, Index first) {
    std::uint32_t of_moments[lanes<float>], of_weights[lanes<float>];
    for (Index i = 0; i < lanes<float>; i += 4) {
      const RoundingOfFour four(key, (first + i) / 4);
      std::memcpy(of_moments + i, four.moments.word, sizeof four.moments.word);
      std::memcpy(of_weights + i, four.weights.word, sizeof four.weights.word);
    }
    std::memcpy(&moments, of_moments, sizeof moments);
    std::memcpy(&weights, of_weights, sizeof weights);
  }
};

/// Moments from their memory.
[[gnu::always_inline]] inline Lanes<float> load_moment(const float* from, Index count) { return load(from, count); }
/// The same, widened.
[[gnu::always_inline]] inline Lanes<float> load_moment(const BFloat16* from, Index count) {
  return values_of(load_halves(from, count) << 16);
}
/// Moments to their memory, as they are.
[[gnu::always_inline]] inline void store_moment(float* to, Lanes<float> values, BitLanes /*random*/, Index count) {
  store(to, values, count);
}
/// The same, rounded by chance.
[[gnu::always_inline]] inline void store_moment(BFloat16* to, Lanes<float> values, BitLanes random, Index count) {
  store_halves(to, stochastic_round(values, random), count);
}

/// The weights from `at` on that a step moves, from where they are kept. `lower` may be null where nothing is split.
template <MasterWeights master>
[[gnu::always_inline]] inline Lanes<float> load_master(const float* w, const std::uint16_t* lower, Index at,
                                                       Index count) {
  const Lanes<float> upper = load(w + at, count);
  if constexpr (master == MasterWeights::split) {
    const BitLanes low = load_halves(lower + at, count);
    return values_of((bits_of(upper) - (low >> 15 << 16)) | low);
  }
  return upper;
}
/// The way back; what a bfloat16 cannot show is rounded by chance where nothing keeps it.
template <MasterWeights master>
[[gnu::always_inline]] inline void store_master(float* w, std::uint16_t* lower, Index at, Lanes<float> values,
                                                BitLanes random, Index count) {
  if constexpr (master == MasterWeights::float32) {
    store(w + at, values, count);
  } else if constexpr (master == MasterWeights::split) {
    const BitLanes whole = bits_of(values);
    store_halves(lower + at, whole & 0xffffu, count);
    store(w + at, values_of((whole + 0x8000u) & 0xffff0000u), count);
  } else {
    store(w + at, values_of(stochastic_round(values, random) << 16), count);
  }
}

}  // namespace moe::cpu
