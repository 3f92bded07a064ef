#include "multipl_moe/io/dtype.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

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

}  // namespace

std::optional<std::uint64_t> dtype_bytes(std::string_view dtype) {
  const auto* const found =
      std::find_if(dtypes.begin(), dtypes.end(), [dtype](const Dtype& known) { return known.name == dtype; });
  if (found == dtypes.end()) return std::nullopt;
  return found->bytes;
}

std::optional<std::int64_t> element_count(std::span<const std::int64_t> shape) {
  if (std::any_of(shape.begin(), shape.end(), [](std::int64_t size) { return size < 0; })) return std::nullopt;
  // With a zero among them the product is 0, in whatever order an overflow would be met.
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

}  // namespace multipl_moe
