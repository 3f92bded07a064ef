#pragma once

#include "multipl_moe/io/header_bytes.hpp"

namespace multipl_moe {

/// Checks the limits of everything in a safetensors header that costs memory when it is parsed: depth, number of
/// objects, length of strings and numbers. Does not check the grammar: the header must still be parsed strictly. Reads
/// `bytes` to the end. Throws BadFile if a limit is exceeded.
void check_header_outline(HeaderBytes& bytes);

}  // namespace multipl_moe
