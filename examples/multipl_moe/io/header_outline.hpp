#pragma once

#include "multipl_moe/io/header_bytes.hpp"

namespace multipl_moe {

/// Bounds everything in a safetensors header that would cost a JSON parser or us memory: depth,
/// objects, the length of strings and numbers. Not a check of the grammar: what passes is still to
/// be parsed strictly. Walks `bytes` to the end; throws BadFile.
void check_header_outline(HeaderBytes& bytes);

}  // namespace multipl_moe
