/// The interface of tokenizers: from text to tokens and back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// A part of a text: the name of a special token, or text without one.
struct TextPart {
  std::string_view text;
  std::optional<Token> special{};
};

/// Safe to use from several threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// The name for users: "bytes", or the folder of the files.
  virtual std::string name() const = 0;
  /// The highest token id plus one.
  virtual std::int64_t vocab_size() const = 0;
  /// The token between documents and at the end of a generated text.
  virtual Token end_of_text() const = 0;
  /// Identifies the tokenizer in token files.
  virtual std::uint64_t hash() const = 0;

  /// Encodes `text`; the name of a special token is treated as text.
  virtual std::vector<Token> encode(std::string_view text) const = 0;
  /// Encodes `text`; the names of special tokens become these tokens.
  virtual std::vector<Token> encode_with_special(std::string_view text) const = 0;
  /// All of `text`, split at the names of special tokens.
  virtual std::vector<TextPart> split_at_special(std::string_view text) const = 0;
  /// The bytes of text of the tokens; special tokens and unknown ids are skipped. A token may hold a part of a
  /// character.
  virtual std::string decode(std::span<const Token> tokens) const = 0;
  /// Number of bytes of text of a token; 0 for tokens that decode() skips.
  virtual std::int64_t byte_length(Token token) const = 0;

  /// Writes the files that read_tokenizer() reads into `folder`. Throws IoError.
  virtual void write_files(const std::filesystem::path& folder) const = 0;
};

/// Name and number of tokens, for messages.
std::string described(const Tokenizer& tokenizer);

/// Reads the tokenizer files in `folder`; if there are none, returns byte_tokenizer(). Throws BadFile, IoError.
std::shared_ptr<const Tokenizer> read_tokenizer(const std::filesystem::path& folder);

/// The tokenizer without files, whose tokens are bytes.
std::shared_ptr<const Tokenizer> byte_tokenizer();

}  // namespace multipl_moe
