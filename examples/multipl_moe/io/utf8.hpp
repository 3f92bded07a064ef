#pragma once

#include <cstddef>
#include <string_view>

namespace multipl_moe {

/// Bytes of the code point that `text` begins with: 1 to 4; 0 where it is not UTF-8 (overlong
/// forms, surrogates and values above U+10FFFF are not) or `text` is empty.
std::size_t code_point_bytes(std::string_view text);

}  // namespace multipl_moe
