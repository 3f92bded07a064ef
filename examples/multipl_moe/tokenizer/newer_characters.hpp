/// Letters, marks and numbers that Unicode has had since version 15 (as of version 16). The table is the output of
/// tests/golden/make_newer_characters.py.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace multipl_moe {

enum class CharacterKind : std::uint8_t { letter, mark, number };

struct NewerCharacters {
  std::uint32_t first, last;
  CharacterKind kind;
};

/// An older character of the same kind with the same number of bytes, 3 or 4.
constexpr std::string_view older_character(CharacterKind kind, std::size_t bytes) {
  switch (kind) {
    case CharacterKind::letter:
      return bytes == 3 ? "\xe4\xb8\x80" : "\xf0\xa0\x80\x80";  // U+4E00, U+20000
    case CharacterKind::mark:
      return bytes == 3 ? "\xe0\xb0\xbe" : "\xf0\x91\x80\x81";  // U+0C3E, U+11001
    case CharacterKind::number:
      break;
  }
  return bytes == 3 ? "\xe0\xa5\xa6" : "\xf0\x90\x84\x87";  // U+0966, U+10107
}

/// In ascending order.
inline constexpr NewerCharacters newer_characters[] = {
    {0x897, 0x897, CharacterKind::mark},       {0xcf3, 0xcf3, CharacterKind::mark},
    {0xece, 0xece, CharacterKind::mark},       {0x1c89, 0x1c8a, CharacterKind::letter},
    {0xa7cb, 0xa7cd, CharacterKind::letter},   {0xa7da, 0xa7dc, CharacterKind::letter},
    {0x105c0, 0x105f3, CharacterKind::letter}, {0x10d40, 0x10d49, CharacterKind::number},
    {0x10d4a, 0x10d65, CharacterKind::letter}, {0x10d69, 0x10d6d, CharacterKind::mark},
    {0x10d6f, 0x10d85, CharacterKind::letter}, {0x10ec2, 0x10ec4, CharacterKind::letter},
    {0x10efc, 0x10eff, CharacterKind::mark},   {0x1123f, 0x11240, CharacterKind::letter},
    {0x11241, 0x11241, CharacterKind::mark},   {0x11380, 0x11389, CharacterKind::letter},
    {0x1138b, 0x1138b, CharacterKind::letter}, {0x1138e, 0x1138e, CharacterKind::letter},
    {0x11390, 0x113b5, CharacterKind::letter}, {0x113b7, 0x113b7, CharacterKind::letter},
    {0x113b8, 0x113c0, CharacterKind::mark},   {0x113c2, 0x113c2, CharacterKind::mark},
    {0x113c5, 0x113c5, CharacterKind::mark},   {0x113c7, 0x113ca, CharacterKind::mark},
    {0x113cc, 0x113d0, CharacterKind::mark},   {0x113d1, 0x113d1, CharacterKind::letter},
    {0x113d2, 0x113d2, CharacterKind::mark},   {0x113d3, 0x113d3, CharacterKind::letter},
    {0x113e1, 0x113e2, CharacterKind::mark},   {0x116d0, 0x116e3, CharacterKind::number},
    {0x11bc0, 0x11be0, CharacterKind::letter}, {0x11bf0, 0x11bf9, CharacterKind::number},
    {0x11f00, 0x11f01, CharacterKind::mark},   {0x11f02, 0x11f02, CharacterKind::letter},
    {0x11f03, 0x11f03, CharacterKind::mark},   {0x11f04, 0x11f10, CharacterKind::letter},
    {0x11f12, 0x11f33, CharacterKind::letter}, {0x11f34, 0x11f3a, CharacterKind::mark},
    {0x11f3e, 0x11f42, CharacterKind::mark},   {0x11f50, 0x11f59, CharacterKind::number},
    {0x11f5a, 0x11f5a, CharacterKind::mark},   {0x1342f, 0x1342f, CharacterKind::letter},
    {0x13440, 0x13440, CharacterKind::mark},   {0x13441, 0x13446, CharacterKind::letter},
    {0x13447, 0x13455, CharacterKind::mark},   {0x13460, 0x143fa, CharacterKind::letter},
    {0x16100, 0x1611d, CharacterKind::letter}, {0x1611e, 0x1612f, CharacterKind::mark},
    {0x16130, 0x16139, CharacterKind::number}, {0x16d40, 0x16d6c, CharacterKind::letter},
    {0x16d70, 0x16d79, CharacterKind::number}, {0x18cff, 0x18cff, CharacterKind::letter},
    {0x1b132, 0x1b132, CharacterKind::letter}, {0x1b155, 0x1b155, CharacterKind::letter},
    {0x1ccf0, 0x1ccf9, CharacterKind::number}, {0x1d2c0, 0x1d2d3, CharacterKind::number},
    {0x1df25, 0x1df2a, CharacterKind::letter}, {0x1e030, 0x1e06d, CharacterKind::letter},
    {0x1e08f, 0x1e08f, CharacterKind::mark},   {0x1e4d0, 0x1e4eb, CharacterKind::letter},
    {0x1e4ec, 0x1e4ef, CharacterKind::mark},   {0x1e4f0, 0x1e4f9, CharacterKind::number},
    {0x1e5d0, 0x1e5ed, CharacterKind::letter}, {0x1e5ee, 0x1e5ef, CharacterKind::mark},
    {0x1e5f0, 0x1e5f0, CharacterKind::letter}, {0x1e5f1, 0x1e5fa, CharacterKind::number},
    {0x2b739, 0x2b739, CharacterKind::letter}, {0x2ebf0, 0x2ee5d, CharacterKind::letter},
    {0x31350, 0x323af, CharacterKind::letter},
};

}  // namespace multipl_moe
