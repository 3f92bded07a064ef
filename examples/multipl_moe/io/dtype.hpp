#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace multipl_moe {

/// Bytes of one element of a safetensors dtype such as "BF16"; empty if the dtype is unknown.
std::optional<std::uint64_t> dtype_bytes(std::string_view dtype);

/// The safetensors dtype of a Hugging Face dtype: "F32" for "float32", "F16" for "float16", "BF16" for "bfloat16";
/// empty for any other name.
std::string_view dtype_named(std::string_view name);
/// The inverse of dtype_named(); empty for any other dtype.
std::string_view name_of_dtype(std::string_view dtype);

/// Number of elements of a tensor, 1 if `shape` is empty. No value if the number exceeds 2^63 - 1 or a dimension is
/// negative.
std::optional<std::int64_t> element_count(std::span<const std::int64_t> shape);

/// Bytes of a tensor. No value if the dtype is unknown or the number exceeds 2^63 - 1.
std::optional<std::uint64_t> tensor_bytes(std::string_view dtype, std::span<const std::int64_t> shape);

/// Converts an IEEE half (F16, 5 exponent bits) to float.
float float_of_half(std::uint16_t bits);
/// Converts a float to an IEEE half (F16), rounding to nearest, ties to even. Values beyond the largest half become
/// infinite; NaN stays NaN.
std::uint16_t half_of_float(float value);

/// Whether values of the dtype can be converted: F64, F32, F16 or BF16. Integers and 8-bit floats, which need a
/// separate scale, are only copied as bytes.
bool is_float_dtype(std::string_view dtype);

/// Converts the values.size() elements of a float dtype in `bytes`, which need no alignment, rounding to nearest if
/// precision is lost. Throws Failure if `bytes` has another size or the dtype is not a float dtype.
void decode_floats(std::string_view dtype, std::span<const std::byte> bytes, std::span<float> values);
void decode_floats(std::string_view dtype, std::span<const std::byte> bytes, std::span<double> values);

/// Converts `values` to a float dtype, rounding to nearest, ties to even. Throws as decode_floats().
void encode_floats(std::string_view dtype, std::span<const float> values, std::span<std::byte> bytes);

/// Index of the first finite value that is too large for a float dtype and would become infinite; values.size() if
/// there is none.
std::size_t first_too_large(std::string_view dtype, std::span<const float> values);
/// The same for F64 `bytes` that are converted to float.
std::size_t first_too_large_for_float(std::span<const std::byte> bytes);

/// The largest finite value of a float dtype: 65504 for F16.
double largest_of(std::string_view dtype);

/// The position of element `index` in a row-major tensor, as text: `[2, 0, 7]`.
std::string place_in(std::span<const std::int64_t> shape, std::uint64_t index);

}  // namespace multipl_moe
