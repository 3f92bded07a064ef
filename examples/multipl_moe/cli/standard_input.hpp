#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace multipl_moe {

/// Reads all of stdin. `held_per_byte`: bytes of memory that the command needs for each byte read. Throws IoError, and
/// OutOfMemory as soon as the text read so far needs more memory than is free.
std::string read_standard_input(std::string_view command, std::int64_t held_per_byte);

}  // namespace multipl_moe
