/// Hugging Face's names of dtypes, and the library's conversions under the program's names.
#pragma once

#include <string_view>

#include "moe/safetensors/dtype.hpp"

namespace multipl_moe {

using moe::io::decode_floats;
using moe::io::dtype_bytes;
using moe::io::element_count;
using moe::io::first_too_large;
using moe::io::is_float_dtype;
using moe::io::largest_of;
using moe::io::place_in;
using moe::io::tensor_bytes;

/// The safetensors dtype of a Hugging Face dtype: "F32" for "float32", "F16" for "float16", "BF16" for "bfloat16";
/// empty for any other name.
std::string_view dtype_named(std::string_view name);
/// The inverse of dtype_named(); empty for any other dtype.
std::string_view name_of_dtype(std::string_view dtype);

}  // namespace multipl_moe
