#pragma once

#include <cstdint>
#include <type_traits>

#include "moe/core/host_device.hpp"

namespace moe {

/// Maps a score to an unsigned number that sorts in descending order of scores: a higher score gives a lower number,
/// NaN gives the highest number, and -0 equals 0. Only bits are read: compiler flags may change comparisons of NaN and
/// of signed zeros, and a sort with an inconsistent order can read beyond the list.
template <class Real>
MOE_HOST_DEVICE auto descending_bits(Real score) {
  using Bits = std::conditional_t<sizeof(Real) == 4, std::uint32_t, std::uint64_t>;
  constexpr Bits sign = Bits{1} << (8 * sizeof(Bits) - 1);
  constexpr Bits infinity = sizeof(Real) == 4 ? Bits{0x7f800000u} : static_cast<Bits>(0x7ff0000000000000u);
  const Bits bits = __builtin_bit_cast(Bits, score), size = bits & ~sign;
  if (size > infinity) return static_cast<Bits>(~Bits{0});
  return static_cast<Bits>((bits & sign) != 0 && size != 0 ? bits : ~(size | sign));
}

}  // namespace moe
