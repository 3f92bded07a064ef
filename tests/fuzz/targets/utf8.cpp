/// UTF-8, and its escaped form for a terminal.
#include "multipl_moe/io/utf8.hpp"

#include <cstdint>

#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

namespace {

std::uint32_t value_of(std::string_view code_point) {
  const auto lead = static_cast<std::uint8_t>(code_point[0]);
  std::uint32_t value = code_point.size() == 1 ? lead : lead & (0x7fu >> code_point.size());
  for (const char byte : code_point.substr(1)) value = value << 6 | (static_cast<std::uint8_t>(byte) & 0x3f);
  return value;
}

std::size_t shortest(std::uint32_t value) { return value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4; }

}  // namespace

const Registered utf8("utf8", [](std::string_view bytes) {
  bool is_text = true;
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::size_t size = code_point_bytes(rest);
    require(size <= 4 && size <= rest.size(), "a code point ends within the text");
    if (size > 0) {
      const std::uint32_t value = value_of(rest.substr(0, size));
      require(shortest(value) == size && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff),
              "a code point is valid and in its shortest form");
    }
    is_text = is_text && size > 0;
    rest.remove_prefix(size == 0 ? 1 : size);
  }
  const std::string shown = escaped(bytes);
  require(shown.size() <= 200 + 16 + 3, "escaped text is short");
  for (std::string_view rest = shown; !rest.empty();) {
    const std::size_t size = code_point_bytes(rest);
    require(size > 0, "escaped text is valid UTF-8");
    const std::uint32_t value = value_of(rest.substr(0, size));
    require(value >= 0x20 && (value < 0x7f || value > 0x9f), "escaped text has no control characters");
    rest.remove_prefix(size);
  }
  return is_text;
});

}  // namespace multipl_moe::fuzz
