#pragma once

#include <string_view>

#include "moe/safetensors/utf8.hpp"

namespace multipl_moe {

using moe::io::code_point_bytes;

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
