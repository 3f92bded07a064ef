#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace multipl_moe {

/// Bytes of one element of a safetensors dtype such as "BF16"; empty where it is not known.
std::optional<std::uint64_t> dtype_bytes(std::string_view dtype);

/// Elements of a tensor, 1 where `shape` is empty; empty where that passes 2^63 - 1 or a dimension
/// is negative.
std::optional<std::int64_t> element_count(std::span<const std::int64_t> shape);

/// Bytes of a tensor; empty where its dtype is unknown or the number passes 2^63 - 1.
std::optional<std::uint64_t> tensor_bytes(std::string_view dtype, std::span<const std::int64_t> shape);

/// The value of a number of 16 bits, five of them its exponent.
float float_of_half(std::uint16_t bits);

}  // namespace multipl_moe
