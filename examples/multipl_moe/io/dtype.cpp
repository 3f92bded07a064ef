#include "multipl_moe/io/dtype.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "moe/core/bfloat16.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

struct Dtype {
  std::string_view name;
  std::uint64_t bytes;
};

constexpr std::array dtypes{
    Dtype{"BOOL", 1}, Dtype{"U8", 1},  Dtype{"I8", 1},  Dtype{"F8_E4M3", 1}, Dtype{"F8_E5M2", 1},
    Dtype{"U16", 2},  Dtype{"I16", 2}, Dtype{"F16", 2}, Dtype{"BF16", 2},    Dtype{"U32", 4},
    Dtype{"I32", 4},  Dtype{"F32", 4}, Dtype{"U64", 8}, Dtype{"I64", 8},     Dtype{"F64", 8},
};

struct FloatName {
  std::string_view dtype, name;
};

constexpr std::array float_names{FloatName{"F32", "float32"}, FloatName{"F16", "float16"},
                                 FloatName{"BF16", "bfloat16"}};

}  // namespace

std::string_view dtype_named(std::string_view name) {
  for (const FloatName& known : float_names)
    if (known.name == name) return known.dtype;
  return {};
}

std::string_view name_of_dtype(std::string_view dtype) {
  for (const FloatName& known : float_names)
    if (known.dtype == dtype) return known.name;
  return {};
}

std::optional<std::uint64_t> dtype_bytes(std::string_view dtype) {
  const auto* const found =
      std::find_if(dtypes.begin(), dtypes.end(), [dtype](const Dtype& known) { return known.name == dtype; });
  if (found == dtypes.end()) return std::nullopt;
  return found->bytes;
}

std::optional<std::int64_t> element_count(std::span<const std::int64_t> shape) {
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t size) { return size < 0; })) return std::nullopt;
  // With a dimension of 0 the product is 0, even if the product of the others overflows.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (count > std::numeric_limits<std::int64_t>::max() / size) return std::nullopt;
    count *= size;
  }
  return count;
}

std::optional<std::uint64_t> tensor_bytes(std::string_view dtype, std::span<const std::int64_t> shape) {
  const auto width = dtype_bytes(dtype);
  const auto count = element_count(shape);
  if (!width || !count) return std::nullopt;
  const auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (static_cast<std::uint64_t>(*count) > limit / *width) return std::nullopt;
  return static_cast<std::uint64_t>(*count) * *width;
}

float float_of_half(std::uint16_t bits) {
  const float sign = (bits & 0x8000u) != 0 ? -1.0f : 1.0f;
  const int exponent = (bits >> 10) & 0x1f;
  const int fraction = bits & 0x3ff;
  if (exponent == 0x1f)
    return fraction == 0 ? sign * std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(fraction), -24);
  return sign * std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
}

std::uint16_t half_of_float(float value) {
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

bool is_float_dtype(std::string_view dtype) {
  return dtype == "F32" || dtype == "BF16" || dtype == "F16" || dtype == "F64";
}

namespace {

template <class Stored, class Real>
void decode(const std::byte* bytes, std::span<Real> values, const auto& convert) {
  for (Real& value : values) {
    Stored stored;
    std::memcpy(&stored, bytes, sizeof stored);
    value = static_cast<Real>(convert(stored));
    bytes += sizeof stored;
  }
}

void encode(std::span<const float> values, std::byte* bytes, const auto& convert) {
  for (const float value : values) {
    const auto stored = convert(value);
    std::memcpy(bytes, &stored, sizeof stored);
    bytes += sizeof stored;
  }
}

void check_floats(std::string_view dtype, std::size_t values, std::size_t bytes) {
  if (!is_float_dtype(dtype))
    throw Failure(fmt::format("[dtype] floats must be F64, F32, F16 or BF16, found {}", escaped(dtype)));
  if (values * *dtype_bytes(dtype) != bytes)
    throw Failure(
        fmt::format("[dtype] {} of {} cannot have {}", counted(values, "values"), dtype, counted(bytes, "bytes")));
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
    decode<moe::BFloat16>(bytes.data(), values, [](moe::BFloat16 value) { return float(value); });
  else
    decode<std::uint16_t>(bytes.data(), values, float_of_half);
}

}  // namespace

void decode_floats(std::string_view dtype, std::span<const std::byte> bytes, std::span<float> values) {
  decode_as(dtype, bytes, values);
}

void decode_floats(std::string_view dtype, std::span<const std::byte> bytes, std::span<double> values) {
  decode_as(dtype, bytes, values);
}

void encode_floats(std::string_view dtype, std::span<const float> values, std::span<std::byte> bytes) {
  check_floats(dtype, values.size(), bytes.size());
  if (dtype == "F32")
    encode(values, bytes.data(), [](float value) { return value; });
  else if (dtype == "F64")
    encode(values, bytes.data(), [](float value) { return double{value}; });
  else if (dtype == "BF16")
    encode(values, bytes.data(), [](float value) { return moe::BFloat16(value); });
  else
    encode(values, bytes.data(), half_of_float);
}

namespace {

/// The lowest absolute value that rounds to infinity: half way between the largest value of the dtype and the next
/// power of two, where ties round to even.
double first_infinite(std::string_view dtype) {
  if (dtype == "F16") return 65520;
  if (dtype == "BF16") return 0x1.ffp127;
  if (dtype == "F32") return 0x1.ffffffp127;
  return std::numeric_limits<double>::infinity();
}

}  // namespace

std::size_t first_too_large(std::string_view dtype, std::span<const float> values) {
  constexpr float highest = std::numeric_limits<float>::max();
  const double limit = first_infinite(dtype);
  if (limit > double{highest}) return values.size();
  const auto low = static_cast<float>(limit);
  const auto is_too_large = [low](float value) { return std::abs(value) >= low && std::abs(value) <= highest; };
  // Such values are rare, and counting needs no branch.
  std::size_t count = 0;
  for (const float value : values) count += is_too_large(value) ? 1 : 0;
  if (count == 0) return values.size();
  return static_cast<std::size_t>(std::find_if(values.begin(), values.end(), is_too_large) - values.begin());
}

std::size_t first_too_large_for_float(std::span<const std::byte> bytes) {
  const double limit = first_infinite("F32");
  const std::size_t count = bytes.size() / sizeof(double);
  for (std::size_t i = 0; i < count; ++i) {
    double value = 0;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    if (std::abs(value) >= limit && std::isfinite(value)) return i;
  }
  return count;
}

double largest_of(std::string_view dtype) {
  if (dtype == "F16") return 65504;
  if (dtype == "BF16") return 0x1.fep127;
  return dtype == "F32" ? double{std::numeric_limits<float>::max()} : std::numeric_limits<double>::max();
}

std::string place_in(std::span<const std::int64_t> shape, std::uint64_t index) {
  std::vector<std::uint64_t> place(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    const auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(shape[axis], 1));
    place[axis] = index % size;
    index /= size;
  }
  return fmt::format("[{}]", fmt::join(place, ", "));
}

}  // namespace multipl_moe
