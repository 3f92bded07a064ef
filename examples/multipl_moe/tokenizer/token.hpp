#pragma once

#include <cstdint>

namespace multipl_moe {

/// A tokenizer's number for a piece of text.
using Token = std::uint32_t;

}  // namespace multipl_moe
