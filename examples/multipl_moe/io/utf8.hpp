#pragma once

#include <cstddef>
#include <string_view>

namespace multipl_moe {

/// Bytes of the code point that `text` begins with: 1 to 4; 0 if it is not UTF-8 (overlong forms, surrogates and values
/// above U+10FFFF are not) or if `text` is empty.
std::size_t code_point_bytes(std::string_view text);

/// `text` without a leading UTF-8 byte-order mark.
inline std::string_view without_mark(std::string_view text) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  return text.substr(text.starts_with(mark) ? mark.size() : 0);
}

/// `line` without a trailing carriage return, for files with "\r\n" line ends.
inline std::string_view without_return(std::string_view line) {
  return line.substr(0, line.size() - (line.ends_with('\r') ? 1 : 0));
}

}  // namespace multipl_moe
