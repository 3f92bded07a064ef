#include "multipl_moe/report/shown_tokens.hpp"

#include <fmt/format.h>

#include <string_view>

#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe {

namespace {

constexpr const char *part_of_character = "\u00b7", *end_of_document = "\u220e", *without_text = "\u25a1";

std::uint32_t code_point_of(std::string_view character) {
  const auto byte = [character](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(character[i]));
  };
  if (character.size() == 1) return byte(0);
  std::uint32_t value = byte(0) & (0x7fU >> character.size());
  for (std::size_t i = 1; i < character.size(); ++i) value = value << 6 | (byte(i) & 0x3fU);
  return value;
}

/// Marks and overrides of direction, and the byte-order mark, which no reader sees.
bool is_unseen(std::uint32_t c) {
  return (c >= 0x80 && c <= 0x9f) || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

std::string shown_character(std::string_view character) {
  const std::uint32_t c = code_point_of(character);
  if (c == '\n' || c == '\t') return std::string(character);
  // U+2400 to U+241F are the pictures of the control characters 0 to 31, each of three bytes in UTF-8.
  if (c < 0x20) return {'\xe2', '\x90', static_cast<char>(0x80 + c)};
  if (c == 0x7f) return "\u2421";
  return is_unseen(c) ? fmt::format("\u27e8U+{:04X}\u27e9", c) : std::string(character);
}

std::string hex_of(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes)
    text += fmt::format("{}{:02X}", text.empty() ? "" : " ", static_cast<unsigned char>(byte));
  return text;
}

void add_note(ShownToken& token, const std::string& note) { token.note += (token.note.empty() ? "" : ", ") + note; }

}  // namespace

std::vector<ShownToken> shown_tokens(std::span<const Token> tokens, const Tokenizer& tokenizer) {
  std::vector<ShownToken> shown(tokens.size());
  std::string bytes;
  std::vector<std::size_t> token_at;  // of each byte
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    bytes += tokenizer.decode(tokens.subspan(t, 1));
    token_at.resize(bytes.size(), t);
  }
  for (std::size_t i = 0; i < bytes.size();) {
    const std::string_view rest = std::string_view(bytes).substr(i);
    const std::size_t size = code_point_bytes(rest);
    ShownToken& first = shown[token_at[i]];
    if (size == 0) {
      const std::string hex = hex_of(rest.substr(0, 1));
      first.text += "\u27e8" + hex + "\u27e9";
      add_note(first, fmt::format("byte {} is not UTF-8", hex));
      ++i;
      continue;
    }
    const std::string character = shown_character(rest.substr(0, size));
    first.text += character;
    // Each token's bytes of a character that has bytes in several tokens.
    for (std::size_t from = 0; from < size && token_at[i] != token_at[i + size - 1];) {
      const std::size_t token = token_at[i + from];
      std::size_t to = from + 1;
      while (to < size && token_at[i + to] == token) ++to;
      if (from > 0) shown[token].text += part_of_character;
      add_note(shown[token], fmt::format("{} {} of {}", to - from == 1 ? "byte" : "bytes",
                                         hex_of(rest.substr(from, to - from)), character));
      from = to;
    }
    i += size;
  }
  for (std::size_t t = 0; t < tokens.size(); ++t) {
    if (!shown[t].text.empty()) continue;
    // A newline, since the next document begins here.
    shown[t] = tokens[t] == tokenizer.end_of_text()
                   ? ShownToken{std::string(end_of_document) + "\n", "end of text"}
                   : ShownToken{without_text, fmt::format("token {} has no text", tokens[t])};
  }
  return shown;
}

}  // namespace multipl_moe
