#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace multipl_moe {

/// Bytes of one element of a safetensors dtype such as "BF16"; empty where it is not known.
std::optional<std::uint64_t> dtype_bytes(std::string_view dtype);

/// "bfloat16" -> "BF16": what Hugging Face's configurations call "F32", "F16" and "BF16"; empty for any other name.
std::string_view dtype_named(std::string_view name);
/// The other way round; empty for any other dtype.
std::string_view name_of_dtype(std::string_view dtype);

/// Elements of a tensor, 1 where `shape` is empty; empty where that passes 2^63 - 1 or a dimension
/// is negative.
std::optional<std::int64_t> element_count(std::span<const std::int64_t> shape);

/// Bytes of a tensor; empty where its dtype is unknown or the number passes 2^63 - 1.
std::optional<std::uint64_t> tensor_bytes(std::string_view dtype, std::span<const std::int64_t> shape);

/// The value of a number of 16 bits, five of them its exponent.
float float_of_half(std::uint16_t bits);
/// The nearest such number, of two as near the even one; what is larger than all of them becomes infinite, NaN stays
/// NaN.
std::uint16_t half_of_float(float value);

/// Whether its values are floats that we convert: F64, F32, F16 or BF16. Integers and the floats of 8 bits (which mean
/// nothing without the scale they were divided by) are moved as bytes only.
bool is_float_dtype(std::string_view dtype);

/// `bytes` hold values.size() elements of a float dtype; they need no alignment. Rounds to nearest where that loses.
/// Throws Failure where `bytes` has another size or the dtype is none of floats.
void decode_floats(std::string_view dtype, std::span<const std::byte> bytes, std::span<float> values);
void decode_floats(std::string_view dtype, std::span<const std::byte> bytes, std::span<double> values);

/// The way back: to the nearest value, of two as near the even one. Throws as decode_floats().
void encode_floats(std::string_view dtype, std::span<const float> values, std::span<std::byte> bytes);

/// The first finite value that is too large for a float dtype, and would become infinite in it; values.size() where
/// there is none. What is infinite already is not meant.
std::size_t first_too_large(std::string_view dtype, std::span<const float> values);
/// The same of F64's `bytes` on their way to floats.
std::size_t first_too_large_for_float(std::span<const std::byte> bytes);

/// What a float dtype holds at most: 65504 of F16.
double largest_of(std::string_view dtype);

/// `[2, 0, 7]`, where element `index` of a tensor is, which is row-major.
std::string place_in(std::span<const std::int64_t> shape, std::uint64_t index);

}  // namespace multipl_moe
