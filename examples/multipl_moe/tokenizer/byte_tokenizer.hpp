/// The tokenizer without files: every byte is a token, and one more token is the end of text.
#pragma once

#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace multipl_moe {

class ByteTokenizer final : public Tokenizer {
 public:
  /// The end-of-text token.
  static constexpr Token end = 256;

  std::string name() const override { return "bytes"; }
  std::int64_t vocab_size() const override { return end + 1; }
  Token end_of_text() const override { return end; }
  /// An arbitrary fixed number.
  std::uint64_t hash() const override { return 0x6279746573'323537; }

  std::vector<Token> encode(std::string_view text) const override;
  /// As encode(): the end-of-text token has no name.
  std::vector<Token> encode_with_special(std::string_view text) const override { return encode(text); }
  std::vector<TextPart> split_at_special(std::string_view text) const override { return {{text}}; }
  /// The bytes of the tokens below 256; other tokens are skipped.
  std::string decode(std::span<const Token> tokens) const override;
  std::int64_t byte_length(Token token) const override { return token < end ? 1 : 0; }

  /// There is nothing to write.
  void write_files(const std::filesystem::path& /*folder*/) const override {}
};

}  // namespace multipl_moe
