#include "multipl_moe/io/header_outline.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

constexpr std::size_t most_outlined = 1'000'000;
constexpr std::size_t longest_string = std::size_t{4} << 20;
constexpr std::size_t longest_number = 64;
constexpr int deepest_header = 3;  // the file, a tensor, its shape

[[noreturn]] void fail(const HeaderBytes& bytes, const std::string& reason) {
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
    if (++length_ > longest_string) fail(bytes, fmt::format("a string must have at most {} bytes", longest_string));
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
    if (byte == '\0') fail(bytes, "the header must be JSON, found a NUL");
    const bool plain = std::string_view("{}[]\":, \t\r\n").find(byte) == std::string_view::npos;
    length_ = plain ? length_ + 1 : 0;
    if (length_ > longest_number) fail(bytes, fmt::format("a number must have at most {} characters", longest_number));
    in_string_ = byte == '"';
    if (byte == '{' && ++objects_ > most_outlined + 1)  // the file itself is one
      fail(bytes, fmt::format("the file must have at most {} tensors", most_outlined));
    if (byte == '{' || byte == '[') ++depth_;
    if (byte == '}' || byte == ']') --depth_;
    if (depth_ > deepest_header) fail(bytes, fmt::format("the header must nest at most {} deep", deepest_header));
  }

  bool in_string_ = false;
  bool escape_ = false;
  std::size_t length_ = 0;
  std::size_t objects_ = 0;
  int depth_ = 0;
};

}  // namespace

void check_header_outline(HeaderBytes& bytes) {
  if (bytes.done() || bytes.current() != '{') fail(bytes, "the header must begin with '{'");
  for (Outline outline; !bytes.done(); bytes.advance()) outline.add(bytes);
}

}  // namespace multipl_moe
