// The element types of safetensors files, and checked conversions between float types.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/require.hpp"
#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/text.hpp"

namespace moe::io {

static_assert(std::endian::native == std::endian::little, "safetensors files are read and written in place");

namespace detail {

struct Dtype {
  std::string_view name;
  std::uint64_t bytes;
};

inline constexpr std::array dtypes{
    Dtype{"BOOL", 1}, Dtype{"U8", 1},  Dtype{"I8", 1},  Dtype{"F8_E4M3", 1}, Dtype{"F8_E5M2", 1},
    Dtype{"U16", 2},  Dtype{"I16", 2}, Dtype{"F16", 2}, Dtype{"BF16", 2},    Dtype{"U32", 4},
    Dtype{"I32", 4},  Dtype{"F32", 4}, Dtype{"U64", 8}, Dtype{"I64", 8},     Dtype{"F64", 8},
};

/// The lowest absolute value that rounds to infinity: half way between the largest value of the dtype and the next
/// power of two, where ties round to even.
inline double first_infinite(std::string_view dtype) {
  if (dtype == "F16") return 65520;
  if (dtype == "BF16") return 0x1.ffp127;
  if (dtype == "F32") return 0x1.ffffffp127;
  return std::numeric_limits<double>::infinity();
}

}  // namespace detail

/// Bytes of one element of a safetensors dtype such as "BF16"; empty if the dtype is unknown.
inline std::optional<std::uint64_t> dtype_bytes(std::string_view dtype) {
  const auto* const found = std::find_if(detail::dtypes.begin(), detail::dtypes.end(),
                                         [dtype](const detail::Dtype& known) { return known.name == dtype; });
  if (found == detail::dtypes.end()) return std::nullopt;
  return found->bytes;
}

/// The name of a float dtype in other programs: "float64", "float32", "float16" or "bfloat16"; empty for any other.
inline std::string_view name_of_float(std::string_view dtype) {
  if (dtype == "F64") return "float64";
  if (dtype == "F32") return "float32";
  if (dtype == "F16") return "float16";
  return dtype == "BF16" ? "bfloat16" : "";
}

/// Number of elements of a tensor, 1 if `shape` is empty. No value if the number exceeds 2^63 - 1 or a dimension is
/// negative.
inline std::optional<std::int64_t> element_count(std::span<const std::int64_t> shape) {
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t size) { return size < 0; })) return std::nullopt;
  // With a dimension of 0 the product is 0, even if the product of the others overflows.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (count > (std::numeric_limits<std::int64_t>::max)() / size) return std::nullopt;
    count *= size;
  }
  return count;
}

/// Bytes of a tensor. No value if the dtype is unknown or the number exceeds 2^63 - 1.
inline std::optional<std::uint64_t> tensor_bytes(std::string_view dtype, std::span<const std::int64_t> shape) {
  const auto width = dtype_bytes(dtype);
  const auto count = element_count(shape);
  if (!width || !count) return std::nullopt;
  const auto limit = static_cast<std::uint64_t>((std::numeric_limits<std::int64_t>::max)());
  if (static_cast<std::uint64_t>(*count) > limit / *width) return std::nullopt;
  return static_cast<std::uint64_t>(*count) * *width;
}

/// Converts an IEEE half (F16, 5 exponent bits) to float.
inline float float_of_half(std::uint16_t bits) {
  const float sign = (bits & 0x8000u) != 0 ? -1.0f : 1.0f;
  const int exponent = (bits >> 10) & 0x1f;
  const int fraction = bits & 0x3ff;
  if (exponent == 0x1f)
    return fraction == 0 ? sign * std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
}

/// Converts a float to an IEEE half (F16), rounding to nearest, ties to even. Values beyond the largest half become
/// infinite; NaN stays NaN.
inline std::uint16_t half_of_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000u;
  const std::uint32_t size = bits & 0x7fffffffu;
  constexpr std::uint32_t infinite = 0x7c00u, quiet = 0x200u;
  if (size > 0x7f800000u) return static_cast<std::uint16_t>(sign | infinite | quiet | ((size >> 13) & 0x3ffu));
  // 65520 is half way between the largest half, 65504, and 65536; the tie rounds to even, that is to infinity.
  if (size >= std::bit_cast<std::uint32_t>(65520.0f)) return static_cast<std::uint16_t>(sign | infinite);
  // Subnormal halves are multiples of 2^-24. The last bit of the float 0.5 has the same value, so that adding 0.5
  // rounds to the nearest multiple, ties to even.
  if (size < std::bit_cast<std::uint32_t>(0x1p-14f)) {
    const float shifted = std::bit_cast<float>(size) + 0.5f;
    return static_cast<std::uint16_t>(sign |
                                      (std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0.5f)));
  }
  const std::uint32_t rounded = size + 0xfffu + ((size >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded - (112u << 23)) >> 13));
}

/// A double as a float rounded to odd: an inexact result has its last bit set. Rounding it again to a type of at least
/// two bits less, F16 or BF16, then gives the value of `value` rounded once.
inline float odd_float_of(double value) {
  const auto nearest = static_cast<float>(value);
  auto bits = std::bit_cast<std::uint32_t>(nearest);
  if (double{nearest} == value || (bits & 1u) != 0 || std::isnan(value)) return nearest;
  return std::bit_cast<float>(std::abs(double{nearest}) < std::abs(value) ? bits + 1 : bits - 1);
}

/// Whether values of the dtype can be converted: F64, F32, F16 or BF16. Integers and 8-bit floats, which need a
/// separate scale, are only copied as bytes.
inline bool is_float_dtype(std::string_view dtype) { return !name_of_float(dtype).empty(); }

namespace detail {

template <class Stored, class Real>
void decode(const std::byte* bytes, std::span<Real> values, const auto& convert) {
  for (Real& value : values) {
    Stored stored;
    std::memcpy(&stored, bytes, sizeof stored);
    value = static_cast<Real>(convert(stored));
    bytes += sizeof stored;
  }
}

template <class Real>
void encode(std::span<const Real> values, std::byte* bytes, const auto& convert) {
  for (const Real value : values) {
    const auto stored = convert(value);
    std::memcpy(bytes, &stored, sizeof stored);
    bytes += sizeof stored;
  }
}

inline void check_floats(std::string_view dtype, std::size_t values, std::size_t bytes) {
  if (!is_float_dtype(dtype))
    throw Error(text_of("[dtype] floats must be F64, F32, F16 or BF16, found ", escaped(dtype)));
  require(values * *dtype_bytes(dtype) == bytes, "dtype", counted(values, "values"), " of ", dtype, " cannot have ",
          counted(bytes, "bytes"));
}

template <class Real>
void decode_as(std::string_view dtype, std::span<const std::byte> bytes, std::span<Real> values) {
  check_floats(dtype, values.size(), bytes.size());
  const auto same = [](auto value) { return value; };
  if (dtype == "F32")
    decode<float>(bytes.data(), values, same);
  else if (dtype == "F64")
    decode<double>(bytes.data(), values, same);
  else if (dtype == "BF16")
    decode<BFloat16>(bytes.data(), values, [](BFloat16 value) { return float(value); });
  else
    decode<std::uint16_t>(bytes.data(), values, float_of_half);
}

inline float narrowed(float value) { return value; }
inline float narrowed(double value) { return odd_float_of(value); }

template <class Real>
void encode_as(std::string_view dtype, std::span<const Real> values, std::span<std::byte> bytes) {
  check_floats(dtype, values.size(), bytes.size());
  if (dtype == "F32")
    encode(values, bytes.data(), [](Real value) { return static_cast<float>(value); });
  else if (dtype == "F64")
    encode(values, bytes.data(), [](Real value) { return static_cast<double>(value); });
  else if (dtype == "BF16")
    encode(values, bytes.data(), [](Real value) { return BFloat16(narrowed(value)); });
  else
    encode(values, bytes.data(), [](Real value) { return half_of_float(narrowed(value)); });
}

template <class Real>
std::size_t first_too_large_of(std::string_view dtype, std::span<const Real> values) {
  constexpr Real highest = (std::numeric_limits<Real>::max)();
  const double limit = first_infinite(dtype);
  if (limit > double{highest}) return values.size();
  const auto low = static_cast<Real>(limit);
  const auto is_too_large = [low](Real value) { return std::abs(value) >= low && std::abs(value) <= highest; };
  // Such values are rare, and counting needs no branch.
  std::size_t count = 0;
  for (const Real value : values) count += std::size_t{is_too_large(value)};
  if (count == 0) return values.size();
  return static_cast<std::size_t>(std::find_if(values.begin(), values.end(), is_too_large) - values.begin());
}

}  // namespace detail

/// Converts the values.size() elements of a float dtype in `bytes`, which need no alignment, rounding to nearest if
/// precision is lost. Throws Error if `bytes` has another size or the dtype is not a float dtype.
inline void decode_floats(std::string_view dtype, std::span<const std::byte> bytes, std::span<float> values) {
  detail::decode_as(dtype, bytes, values);
}
/// The same for double.
inline void decode_floats(std::string_view dtype, std::span<const std::byte> bytes, std::span<double> values) {
  detail::decode_as(dtype, bytes, values);
}

/// Converts `values` to a float dtype, rounding to nearest, ties to even. Throws as decode_floats().
inline void encode_floats(std::string_view dtype, std::span<const float> values, std::span<std::byte> bytes) {
  detail::encode_as(dtype, values, bytes);
}
/// The same for double.
inline void encode_floats(std::string_view dtype, std::span<const double> values, std::span<std::byte> bytes) {
  detail::encode_as(dtype, values, bytes);
}

/// Index of the first finite value that is too large for a float dtype and would become infinite; values.size() if
/// there is none.
inline std::size_t first_too_large(std::string_view dtype, std::span<const float> values) {
  return detail::first_too_large_of(dtype, values);
}
/// The same for double.
inline std::size_t first_too_large(std::string_view dtype, std::span<const double> values) {
  return detail::first_too_large_of(dtype, values);
}

/// The largest finite value of a float dtype: 65504 for F16.
inline double largest_of(std::string_view dtype) {
  if (dtype == "F16") return 65504;
  if (dtype == "BF16") return 0x1.fep127;
  return dtype == "F32" ? double{(std::numeric_limits<float>::max)()} : (std::numeric_limits<double>::max)();
}

/// The position of element `index` in a row-major tensor, as text: `[2, 0, 7]`.
inline std::string place_in(std::span<const std::int64_t> shape, std::uint64_t index) {
  std::vector<std::uint64_t> place(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    const auto size = static_cast<std::uint64_t>((std::max<std::int64_t>)(shape[axis], 1));
    place[axis] = index % size;
    index /= size;
  }
  return detail::text_of(detail::Bracketed<std::uint64_t>{place});
}

}  // namespace moe::io
