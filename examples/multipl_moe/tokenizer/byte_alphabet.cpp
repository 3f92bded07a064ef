#include "multipl_moe/tokenizer/byte_alphabet.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace multipl_moe {

namespace {

constexpr std::size_t letters = 0x144;  // the last one is U+0143

constexpr bool prints(unsigned byte) {
  return byte > 0x20 && byte != 0x7f && (byte < 0x80 || byte > 0xa0) && byte != 0xad;
}

constexpr std::array<std::uint16_t, 256> make_characters() {
  std::array<std::uint16_t, 256> characters{};
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 256; ++byte)
    characters[byte] = static_cast<std::uint16_t>(prints(byte) ? byte : next++);
  return characters;
}

constexpr std::array<std::uint16_t, 256> character_of = make_characters();

constexpr std::int16_t no_byte = -1;

constexpr std::array<std::int16_t, letters> make_bytes() {
  std::array<std::int16_t, letters> bytes{};
  bytes.fill(no_byte);
  for (std::size_t byte = 0; byte < 256; ++byte) bytes[character_of[byte]] = static_cast<std::int16_t>(byte);
  return bytes;
}

constexpr std::array<std::int16_t, letters> byte_of = make_bytes();

}  // namespace

std::string spelled(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char byte : bytes) {
    const unsigned character = character_of[static_cast<unsigned char>(byte)];
    if (character < 0x80) {
      text.push_back(static_cast<char>(character));
    } else {
      text.push_back(static_cast<char>(0xc0 | (character >> 6)));
      text.push_back(static_cast<char>(0x80 | (character & 0x3f)));
    }
  }
  return text;
}

std::string bytes_in_order() {
  std::string bytes;
  for (const std::int16_t byte : byte_of)
    if (byte != no_byte) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

bool unspell(std::string& text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned character = static_cast<unsigned char>(text[i]);
    if (character >= 0x80) {
      // Two-byte characters of the alphabet begin with C2 to C5; longer characters begin with larger bytes.
      if (character < 0xc2 || character > 0xc5 || i + 1 == text.size()) return false;
      const unsigned second = static_cast<unsigned char>(text[++i]);
      if ((second & 0xc0) != 0x80) return false;
      character = (character & 0x1f) << 6 | (second & 0x3f);
    }
    if (character >= letters || byte_of[character] == no_byte) return false;
    bytes.push_back(static_cast<char>(byte_of[character]));
  }
  text = std::move(bytes);
  return true;
}

}  // namespace multipl_moe
