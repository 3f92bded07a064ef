#pragma once

#include <cstdint>

namespace multipl_moe {

/// The id of a token.
using Token = std::uint32_t;

}  // namespace multipl_moe
