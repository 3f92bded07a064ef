#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace moe::io {

/// Bytes of the code point that `text` begins with: 1 to 4; 0 if it is not UTF-8 (overlong forms, surrogates and values
/// above U+10FFFF are not) or if `text` is empty.
inline std::size_t code_point_bytes(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t bytes = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (bytes == 0 || text.size() < bytes) return 0;
  // The second byte alone identifies overlong forms (E0, F0), surrogates (ED) and too large values (F4).
  const std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < bytes; ++i)
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  return bytes;
}

}  // namespace moe::io
