/// The type of the matrices that decoding multiplies with.
#pragma once

#include <cstdint>

namespace multipl_moe {

/// Decoding reads all matrices for every token and is bound by that. Copies of them, in addition to the model's own,
/// have fewer bytes; activations and sums stay float32, and routers read their own weights.
enum class DecodingWeights : std::uint8_t {
  as_they_are,           ///< the model's own; the only choice for a model in bfloat16
  bfloat16,              ///< copies rounded to bfloat16
  bfloat16_where_exact,  ///< such copies if rounding changes no value, as for a bfloat16 checkpoint; else as_they_are
  int8,                  ///< copies rounded to 8 bits (moe::Int8Groups)
};

}  // namespace multipl_moe
