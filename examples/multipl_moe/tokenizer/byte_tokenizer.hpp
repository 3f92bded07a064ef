/// The tokenizer that needs no file: a token is a byte, and one more ends a text.
#pragma once

#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace multipl_moe {

class ByteTokenizer final : public Tokenizer {
 public:
  /// end_of_text() of every one of them.
  static constexpr Token end = 256;

  std::string name() const override { return "bytes"; }
  std::int64_t vocab_size() const override { return end + 1; }
  Token end_of_text() const override { return end; }
  /// Any fixed number would do.
  std::uint64_t hash() const override { return 0x6279746573'323537; }

  std::vector<Token> encode(std::string_view text) const override;
  /// As encode(): the end of a text has no name.
  std::vector<Token> encode_with_special(std::string_view text) const override { return encode(text); }
  std::vector<TextPart> split_at_special(std::string_view text) const override { return {{text}}; }
  /// The bytes of the tokens below 256; whatever else is there says nothing.
  std::string decode(std::span<const Token> tokens) const override;
  std::int64_t byte_length(Token token) const override { return token < end ? 1 : 0; }

  /// There is nothing to write.
  void write_files(const std::filesystem::path& /*folder*/) const override {}
};

}  // namespace multipl_moe
