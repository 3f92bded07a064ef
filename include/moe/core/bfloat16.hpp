#pragma once

#include <cstdint>

#include "moe/core/host_device.hpp"

namespace moe {

/// bfloat16, the upper 16 bits of a float: sign, exponent and seven bits of the fraction. A storage type; computation
/// is in float.
struct BFloat16 {
  /// Sign, eight bits of exponent, seven of fraction.
  std::uint16_t bits = 0;

  BFloat16() = default;
  /// Rounds to nearest, ties to even. Values beyond the largest bfloat16 become infinite, NaN stays NaN.
  MOE_HOST_DEVICE explicit BFloat16(float value) {
    const auto whole = __builtin_bit_cast(std::uint32_t, value);
    const bool is_nan = (whole & 0x7fffffffu) > 0x7f800000u;
    const std::uint32_t rounded = whole + 0x7fffu + ((whole >> 16) & 1u);
    bits = static_cast<std::uint16_t>((is_nan ? whole | 0x400000u : rounded) >> 16);
  }
  /// The same value as a float.
  MOE_HOST_DEVICE explicit operator float() const { return __builtin_bit_cast(float, std::uint32_t{bits} << 16); }

  /// The value with these bits.
  MOE_HOST_DEVICE static BFloat16 of_bits(std::uint16_t bits) {
    BFloat16 value;
    value.bits = bits;
    return value;
  }
};

namespace detail {

template <class Value>
struct AccumOf {
  using Type = Value;
};
template <>
struct AccumOf<BFloat16> {
  using Type = float;
};

}  // namespace detail

/// The accumulation type of values that are stored as Value: float for BFloat16, otherwise the type itself.
template <class Value>
using Accum = typename detail::AccumOf<Value>::Type;

/// A value converted to its accumulation type.
template <class Value>
MOE_HOST_DEVICE Accum<Value> widened(Value value) {
  return static_cast<Accum<Value>>(value);
}

}  // namespace moe
