#include "multipl_moe/tokenizer/unicode.hpp"

#include <utf8proc.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <memory>
#include <new>
#include <stdexcept>

#include "multipl_moe/io/utf8.hpp"
#include "multipl_moe/tokenizer/newer_characters.hpp"

namespace multipl_moe {

namespace {

unsigned byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

/// Number of consecutive ASCII bytes from `begin` on.
std::size_t ascii_bytes(std::string_view text, std::size_t begin) {
  std::size_t i = begin;
  for (std::uint64_t word; i + sizeof word <= text.size(); i += sizeof word) {
    std::memcpy(&word, text.data() + i, sizeof word);
    if ((word & 0x8080808080808080) != 0) break;
  }
  while (i < text.size() && byte_at(text, i) < 0x80) ++i;
  return i - begin;
}

/// Bytes of the code point at `i` of a text that is UTF-8.
std::size_t length_at(std::string_view text, std::size_t i) {
  const unsigned lead = byte_at(text, i);
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

std::uint32_t code_point_at(std::string_view text, std::size_t i) {
  const std::size_t length = length_at(text, i);
  std::uint32_t code_point = byte_at(text, i) & (length == 1 ? 0x7f : 0xff >> (length + 1));
  for (std::size_t k = 1; k < length; ++k) code_point = code_point << 6 | (byte_at(text, i + k) & 0x3f);
  return code_point;
}

/// Bytes of the invalid character that `text` begins with: the longest prefix of a valid character, at least 1.
std::size_t broken_bytes(std::string_view text) {
  const std::size_t most = std::min<std::size_t>(text.size(), 3);
  for (std::size_t length = most; length > 1; --length)
    for (const std::string_view rest : {"\x80", "\xbf", "\x80\x80", "\xbf\xbf"})
      if (code_point_bytes(std::string(text.substr(0, length)).append(rest)) == length + rest.size()) return length;
  return 1;
}

/// Characters that are unchanged in normalization form C (NFC) unless a character follows that is not one of them: they
/// do not compose with the character before them. Not all such characters, but nearly all that occur in source code.
/// Later versions of Unicode may not change this for these blocks.
bool stands_alone(std::uint32_t code_point) {
  return code_point < 0x300 || (code_point >= 0x2010 && code_point <= 0x2027) ||  // punctuation
         (code_point >= 0x2500 && code_point <= 0x25ff) ||                        // box drawing
         (code_point >= 0x3041 && code_point <= 0x3096) || (code_point >= 0x30a1 && code_point <= 0x30fa) ||
         (code_point >= 0x3400 && code_point <= 0x9fff) || (code_point >= 0xac00 && code_point <= 0xd7a3) ||
         (code_point >= 0xff01 && code_point <= 0xff5e) || (code_point >= 0x1f300 && code_point <= 0x1f6ff);
}

void append_nfc(std::string_view text, std::string& to) {
  utf8proc_uint8_t* composed = nullptr;
  const utf8proc_ssize_t bytes =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()), static_cast<utf8proc_ssize_t>(text.size()),
                   &composed, static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (bytes == UTF8PROC_ERROR_NOMEM) throw std::bad_alloc();
  if (bytes < 0) throw std::logic_error(utf8proc_errmsg(bytes));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(composed, std::free);
  to.append(reinterpret_cast<const char*>(composed), static_cast<std::size_t>(bytes));
}

const NewerCharacters* newer_at(std::string_view text, std::size_t i) {
  const std::uint32_t code_point = code_point_at(text, i);
  const auto* const after =
      std::upper_bound(std::begin(newer_characters), std::end(newer_characters), code_point,
                       [](std::uint32_t value, const NewerCharacters& range) { return value < range.first; });
  if (after == std::begin(newer_characters)) return nullptr;
  const NewerCharacters* const range = std::prev(after);
  return code_point <= range->last ? range : nullptr;
}

}  // namespace

std::string_view as_utf8(std::string_view text, std::string& storage) {
  std::size_t kept = 0;
  bool is_broken = false;
  for (std::size_t i = 0; i < text.size();) {
    i += ascii_bytes(text, i);
    if (i == text.size()) break;
    if (const std::size_t bytes = code_point_bytes(text.substr(i, 4)); bytes > 0) {
      i += bytes;
      continue;
    }
    if (!is_broken) storage.clear();
    is_broken = true;
    storage.append(text, kept, i - kept).append("\xef\xbf\xbd");
    i += broken_bytes(text.substr(i));
    kept = i;
  }
  if (!is_broken) return text;
  return storage.append(text, kept);
}

std::string_view as_nfc(std::string_view text, std::string& storage) {
  bool is_copied = false;
  std::size_t kept = 0;
  std::size_t alone = 0;  // beginning of the last character that stands alone
  for (std::size_t i = 0; i < text.size();) {
    if (const std::size_t ascii = ascii_bytes(text, i); ascii > 0) {
      i += ascii;
      alone = i - 1;
      continue;
    }
    if (stands_alone(code_point_at(text, i))) {
      alone = i;
      i += length_at(text, i);
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && !stands_alone(code_point_at(text, end))) end += length_at(text, end);
    if (!is_copied) storage.clear();
    is_copied = true;
    const std::size_t begin = std::max(alone, kept);
    storage.append(text, kept, begin - kept);
    append_nfc(text.substr(begin, end - begin), storage);
    kept = alone = i = end;
  }
  if (!is_copied) return text;
  return storage.append(text, kept);
}

std::string_view with_older_characters(std::string_view text, std::string& storage) {
  bool is_copied = false;
  for (std::size_t i = 0; i < text.size(); i += length_at(text, i)) {
    i += ascii_bytes(text, i);
    if (i == text.size()) break;
    // No character of two bytes is new; Chinese characters and emoji are skipped because none of them is in the table.
    const unsigned lead = byte_at(text, i);
    if (lead < 0xe0 || (lead >= 0xe2 && lead <= 0xe9) || (lead == 0xf0 && byte_at(text, i + 1) == 0x9f)) continue;
    const NewerCharacters* const newer = newer_at(text, i);
    if (newer == nullptr) continue;
    if (!is_copied) storage = text;
    is_copied = true;
    const std::string_view older = older_character(newer->kind, length_at(text, i));
    storage.replace(i, older.size(), older);
  }
  return is_copied ? std::string_view(storage) : text;
}

}  // namespace multipl_moe
