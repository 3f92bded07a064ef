#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace multipl_moe {

/// All of stdin. `held_per_byte`: bytes of memory that each of its bytes costs the command in the end. Throws IoError,
/// and OutOfMemory as soon as what has been read would cost more than is free.
std::string read_standard_input(std::string_view command, std::int64_t held_per_byte);

}  // namespace multipl_moe
