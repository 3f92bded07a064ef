#include "multipl_moe/io/utf8_stream.hpp"

#include <algorithm>

#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

/// Whether `bytes` are an incomplete character: with the lowest or the highest continuation bytes they form a valid
/// one.
bool is_beginning(std::string_view bytes) {
  for (const char* filler : {"\x80\x80\x80", "\xbf\xbf\xbf"})
    if (code_point_bytes(std::string(bytes) + filler) > bytes.size()) return true;
  return false;
}

/// Bytes of the longest prefix of a character that `text` starts with, at least 1.
std::size_t longest_beginning(std::string_view text) {
  std::size_t bytes = 1;
  while (bytes < std::min<std::size_t>(3, text.size()) && is_beginning(text.substr(0, bytes + 1))) ++bytes;
  return bytes;
}

}  // namespace

std::string Utf8Stream::add(std::string_view bytes) {
  rest_ += bytes;
  return taken(false);
}

std::string Utf8Stream::finish() { return taken(true); }

std::string Utf8Stream::taken(bool is_end) {
  std::string text;
  std::string_view left = rest_;
  while (!left.empty()) {
    if (const std::size_t bytes = code_point_bytes(left); bytes > 0) {
      text += left.substr(0, bytes);
      left.remove_prefix(bytes);
    } else if (!is_end && left.size() < 4 && is_beginning(left)) {
      break;
    } else {
      text += replacement;
      left.remove_prefix(longest_beginning(left));
    }
  }
  rest_ = std::string(left);
  return text;
}

std::string valid_utf8(std::string_view bytes) {
  Utf8Stream stream;
  std::string text = stream.add(bytes);
  return text += stream.finish();
}

}  // namespace multipl_moe
