/// The tokenizer that needs no file: a token is a byte, and one more ends a text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe {

using Token = std::uint32_t;

struct ByteTokenizer {
  static constexpr Token end_of_text = 256;
  static constexpr std::int64_t vocab_size = 257;
  /// Tells files of one tokenizer from those of another; any fixed number would do.
  static constexpr std::uint64_t hash = 0x6279746573'323537;

  static std::vector<Token> encode(std::string_view text);

  /// The bytes of the tokens below 256; whatever else is there says nothing.
  static std::string decode(std::span<const Token> tokens);

  /// Bytes of text that a token stands for: 1, or 0 for end_of_text.
  static std::int64_t byte_length(Token token) { return token < end_of_text ? 1 : 0; }
};

}  // namespace multipl_moe
