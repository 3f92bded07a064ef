#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/header_bytes.hpp"

namespace moe::io::detail {

inline constexpr std::size_t most_outlined = 1'000'000;
inline constexpr std::size_t longest_string = std::size_t{4} << 20;
inline constexpr std::size_t longest_number = 64;
inline constexpr int deepest_header = 3;  // the file, a tensor, its shape

[[noreturn]] inline void fail_outline(const HeaderBytes& bytes, const std::string& reason) {
  throw BadFile(bytes.path(), bytes.offset(), reason);
}

class Outline {
 public:
  void add(const HeaderBytes& bytes) {
    if (in_string_)
      inside_string(bytes);
    else
      outside_string(bytes);
  }

 private:
  void inside_string(const HeaderBytes& bytes) {
    if (++length_ > longest_string)
      fail_outline(bytes, text_of("a string must have at most ", longest_string, " bytes"));
    const char byte = bytes.current();
    if (byte == '"' && !escape_) {
      in_string_ = false;
      length_ = 0;
    }
    escape_ = byte == '\\' && !escape_;
  }

  void outside_string(const HeaderBytes& bytes) {
    const char byte = bytes.current();
    // The parser treats NUL as the end of the text and would ignore the rest.
    if (byte == '\0') fail_outline(bytes, "the header must be JSON, found a NUL");
    const bool plain = std::string_view("{}[]\":, \t\r\n").find(byte) == std::string_view::npos;
    length_ = plain ? length_ + 1 : 0;
    if (length_ > longest_number)
      fail_outline(bytes, text_of("a number must have at most ", longest_number, " characters"));
    in_string_ = byte == '"';
    if (byte == '{' && ++objects_ > most_outlined + 1)  // the file itself is one
      fail_outline(bytes, text_of("the file must have at most ", most_outlined, " tensors"));
    if (byte == '{' || byte == '[') ++depth_;
    if (byte == '}' || byte == ']') --depth_;
    if (depth_ > deepest_header) fail_outline(bytes, text_of("the header must nest at most ", deepest_header, " deep"));
  }

  bool in_string_ = false;
  bool escape_ = false;
  std::size_t length_ = 0;
  std::size_t objects_ = 0;
  int depth_ = 0;
};

/// Checks the limits of everything in a safetensors header that costs memory when it is parsed: depth, number of
/// objects, length of strings and numbers. Does not check the grammar: the header must still be parsed strictly. Reads
/// `bytes` to the end. Throws BadFile if a limit is exceeded.
inline void check_header_outline(HeaderBytes& bytes) {
  if (bytes.done() || bytes.current() != '{') fail_outline(bytes, "the header must begin with '{'");
  for (Outline outline; !bytes.done(); bytes.advance()) outline.add(bytes);
}

}  // namespace moe::io::detail
