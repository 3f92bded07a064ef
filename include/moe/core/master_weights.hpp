#pragma once

#include <cstdint>

#include "moe/core/bfloat16.hpp"
#include "moe/core/index.hpp"
#include "moe/core/random.hpp"

namespace moe {

/// What an optimizer's steps add up in. A weight in bfloat16 alone would lose most of them: a step is often smaller
/// than half the distance to the next such number.
enum class MasterWeights : std::uint8_t {
  /// In the weight itself, which has the precision that it is computed with: float or double.
  float32,
  /// In 32 bits: the layer has the nearest bfloat16, and the lower 16 bits are kept beside it.
  split,
  /// In bfloat16 and nothing beside it: rounded up or down by chance, so that steps are right on average.
  bfloat16,
};

/// The lower half of a float's bits, beside the nearest bfloat16.
MOE_HOST_DEVICE inline std::uint16_t lower_half(float whole) {
  return static_cast<std::uint16_t>(__builtin_bit_cast(std::uint32_t, whole));
}
/// The nearest bfloat16, of two as near the one further from 0: other than by the rule of even numbers, the lower half
/// then says which of the two it was.
MOE_HOST_DEVICE inline BFloat16 upper_half(float whole) {
  return BFloat16::of_bits(static_cast<std::uint16_t>((__builtin_bit_cast(std::uint32_t, whole) + 0x8000u) >> 16));
}
/// The float that both were made from, to the bit.
MOE_HOST_DEVICE inline float joined(BFloat16 upper, std::uint16_t lower) {
  const std::uint32_t whole = ((std::uint32_t{upper.bits} - (lower >> 15)) << 16) | lower;
  return __builtin_bit_cast(float, whole);
}

/// One of the two bfloat16 around `value`, by the lower 16 of `random` bits: each as often as the other one is far
/// away, so that the mean is `value`. What is not finite stays as it is.
MOE_HOST_DEVICE inline BFloat16 stochastic_round(float value, std::uint32_t random) {
  const auto whole = __builtin_bit_cast(std::uint32_t, value);
  const bool is_finite = (whole & 0x7f800000u) != 0x7f800000u;
  if (!is_finite) return BFloat16(value);
  return BFloat16::of_bits(static_cast<std::uint16_t>((whole + (random & 0xffffu)) >> 16));
}

/// The random bits that values 4 i to 4 i + 3 of a tensor are rounded by.
struct RoundingOfFour {
  /// A word for the two moments of each: the lower half is the first one's.
  Words<4> moments;
  /// A word for each weight.
  Words<4> weights;

  /// Of the values 4 `four` and on, by the stream `key`.
  MOE_HOST_DEVICE RoundingOfFour(RandomKey key, Index four)
      : moments(random_words(key, static_cast<std::uint64_t>(2 * four))),
        weights(random_words(key, static_cast<std::uint64_t>(2 * four + 1))) {}
};

}  // namespace moe
