#pragma once

#include <algorithm>
#include <cstring>

#include "moe/backend/cpu/simd.hpp"
#include "moe/core/adamw_scalars.hpp"
#include "moe/core/master_weights.hpp"

namespace moe::cpu {

/// The bit patterns of a vector of floats, one 32-bit word per lane.
using BitLanes = detail::VectorOf<std::uint32_t, vector_bytes>::type;
/// The 16-bit half of each lane.
using HalfLanes = detail::VectorOf<std::uint16_t, vector_bytes / 2>::type;

/// The bit pattern of each lane.
[[gnu::always_inline]] inline BitLanes bits_of(Lanes<float> values) { return reinterpret_cast<BitLanes>(values); }
/// The floats with these bit patterns.
[[gnu::always_inline]] inline Lanes<float> values_of(BitLanes bits) { return reinterpret_cast<Lanes<float>>(bits); }

/// Loads the first `count` 16-bit values, zero-extended to 32 bits; the remaining lanes are 0.
template <class Half>
[[gnu::always_inline]] inline BitLanes load_halves(const Half* from, Index count) {
  static_assert(sizeof(Half) == 2);
  HalfLanes halves{};
  std::memcpy(&halves, from, static_cast<std::size_t>((std::min)(count, lanes<float>)) * sizeof(Half));
  return __builtin_convertvector(halves, BitLanes);
}
/// Stores the lower 16 bits of the first `count` lanes.
template <class Half>
[[gnu::always_inline]] inline void store_halves(Half* to, BitLanes bits, Index count) {
  static_assert(sizeof(Half) == 2);
  const HalfLanes halves = __builtin_convertvector(bits, HalfLanes);
  std::memcpy(static_cast<void*>(to), &halves,
              static_cast<std::size_t>((std::min)(count, lanes<float>)) * sizeof(Half));
}

/// stochastic_round() (core/master_weights.hpp) in every lane: bfloat16 bits in the lower 16 bits of each lane.
[[gnu::always_inline]] inline BitLanes stochastic_round(Lanes<float> values, BitLanes random) {
  const BitLanes whole = bits_of(values);
  const auto is_finite = (whole & 0x7f800000u) != 0x7f800000u;
  // The shift may drop every fraction bit that is set in a NaN; the quiet bit keeps it a NaN.
  const auto is_nan = (whole & 0x7fffffffu) > 0x7f800000u;
  return (whole + (random & 0xffffu & reinterpret_cast<BitLanes>(is_finite))) >> 16 |
         (reinterpret_cast<BitLanes>(is_nan) & 0x40u);
}

/// One vector of a tensor's weights with their AdamW moments.
template <class Real>
struct AdamWLanes {
  /// Weights.
  Lanes<Real> w;
  /// First moments.
  Lanes<Real> m;
  /// Second moments.
  Lanes<Real> v;
};
/// One AdamW step by the equations of AdamWScalars.
template <class Real>
[[gnu::always_inline]] inline AdamWLanes<Real> stepped(const AdamWScalars<Real>& pace, Lanes<Real> gradient,
                                                       AdamWLanes<Real> at) {
  const auto g = pace.scale * gradient;
  const auto first = pace.beta_1 * at.m + pace.rest_1 * g;
  const auto second = pace.beta_2 * at.v + pace.rest_2 * g * g;
  const auto step = pace.rate * first / (sqrt<Real>(second) * pace.root + pace.epsilon);
  return {pace.keep * at.w - step, first, second};
}

/// The random bits for rounding values [first, first + lanes) of a tensor; `first` is a multiple of four.
struct RoundingLanes {
  /// Lower 16 bits: first moment. Upper 16 bits: second moment.
  BitLanes moments;
  /// For the weights.
  BitLanes weights;

  /// Draws the random words of all lanes.
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

/// Loads `count` moments; the remaining lanes are 0.
[[gnu::always_inline]] inline Lanes<float> load_moment(const float* from, Index count) { return load(from, count); }
/// The same from bfloat16, converted to float.
[[gnu::always_inline]] inline Lanes<float> load_moment(const BFloat16* from, Index count) {
  return values_of(load_halves(from, count) << 16);
}
/// Stores `count` moments without rounding.
[[gnu::always_inline]] inline void store_moment(float* to, Lanes<float> values, BitLanes /*random*/, Index count) {
  store(to, values, count);
}
/// The same as bfloat16, with stochastic rounding.
[[gnu::always_inline]] inline void store_moment(BFloat16* to, Lanes<float> values, BitLanes random, Index count) {
  store_halves(to, stochastic_round(values, random), count);
}

/// Loads the `count` master weights from index `at` on. `lower`, the lower 16 bits of each weight, is read only with
/// MasterWeights::split and may be null otherwise.
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
/// Stores the `count` master weights from index `at` on; MasterWeights::bfloat16 uses stochastic rounding.
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
