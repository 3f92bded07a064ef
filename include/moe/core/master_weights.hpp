#pragma once

#include <cstdint>

#include "moe/core/bfloat16.hpp"
#include "moe/core/index.hpp"
#include "moe/core/random.hpp"

namespace moe {

/// Representation of the weights to which the optimizer adds its steps. A weight in bfloat16 alone would lose most
/// steps: a step is often smaller than half the distance to the next bfloat16.
enum class MasterWeights : std::uint8_t {
  /// The weight itself, in its accumulation precision: float or double.
  float32,
  /// 32 bits: the layer has the nearest bfloat16, and the lower 16 bits are stored separately.
  split,
  /// bfloat16 only, with stochastic rounding, so that steps are right on average.
  bfloat16,
};

/// The lower 16 bits of a float, which MasterWeights::split stores in addition to the nearest bfloat16.
MOE_HOST_DEVICE inline std::uint16_t lower_half(float whole) {
  return static_cast<std::uint16_t>(__builtin_bit_cast(std::uint32_t, whole));
}
/// The nearest bfloat16, ties away from 0. Unlike with ties to even, the lower half then determines whether the value
/// was rounded up.
MOE_HOST_DEVICE inline BFloat16 upper_half(float whole) {
  return BFloat16::of_bits(static_cast<std::uint16_t>((__builtin_bit_cast(std::uint32_t, whole) + 0x8000u) >> 16));
}
/// The float that both halves were made from, bitwise identical.
MOE_HOST_DEVICE inline float joined(BFloat16 upper, std::uint16_t lower) {
  const std::uint32_t whole = ((std::uint32_t{upper.bits} - (lower >> 15)) << 16) | lower;
  return __builtin_bit_cast(float, whole);
}

/// Stochastic rounding: one of the two bfloat16 next to `value`, selected by the lower 16 bits of `random`. The
/// probability of each is proportional to the distance to the other, so that the mean is `value`. Infinities and NaN
/// are preserved.
MOE_HOST_DEVICE inline BFloat16 stochastic_round(float value, std::uint32_t random) {
  const auto whole = __builtin_bit_cast(std::uint32_t, value);
  const bool is_finite = (whole & 0x7f800000u) != 0x7f800000u;
  if (!is_finite) return BFloat16(value);
  return BFloat16::of_bits(static_cast<std::uint16_t>((whole + (random & 0xffffu)) >> 16));
}

/// The random bits for stochastic rounding of values 4 i to 4 i + 3 of a tensor.
struct RoundingOfFour {
  /// One word for the two moments of each value: the lower half is for the first moment.
  Words<4> moments;
  /// One word for each weight.
  Words<4> weights;

  /// For the four values from index 4 * `four`, from the stream `key`.
  MOE_HOST_DEVICE RoundingOfFour(RandomKey key, Index four)
      : moments(random_words(key, static_cast<std::uint64_t>(2 * four))),
        weights(random_words(key, static_cast<std::uint64_t>(2 * four + 1))) {}
};

}  // namespace moe
