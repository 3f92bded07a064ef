/// From text to tokens and back, whatever a token is.
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

/// A piece of a text: a special token's name, or text without one.
struct TextPart {
  std::string_view text;
  std::optional<Token> special{};
};

/// Safe to use from several threads.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// What users know it by: "bytes", or the folder of its files.
  virtual std::string name() const = 0;
  /// One more than the highest token.
  virtual std::int64_t vocab_size() const = 0;
  /// What stands between documents and ends a generated text.
  virtual Token end_of_text() const = 0;
  /// Tells token files of one tokenizer from those of another.
  virtual std::uint64_t hash() const = 0;

  /// `text` as it is: what reads like the name of a special token is text too.
  virtual std::vector<Token> encode(std::string_view text) const = 0;
  /// The same, but the names of special tokens become these tokens.
  virtual std::vector<Token> encode_with_special(std::string_view text) const = 0;
  /// All of `text`, cut at the names of special tokens.
  virtual std::vector<TextPart> split_at_special(std::string_view text) const = 0;
  /// The bytes that the tokens stand for; special tokens and numbers that are no token say nothing. A token may hold a
  /// part of a character.
  virtual std::string decode(std::span<const Token> tokens) const = 0;
  /// Bytes of text that a token stands for, 0 for what decode() leaves out.
  virtual std::int64_t byte_length(Token token) const = 0;

  /// Writes what read_tokenizer() needs into `folder`. Throws IoError.
  virtual void write_files(const std::filesystem::path& folder) const = 0;
};

/// Name and number of tokens, for messages.
std::string described(const Tokenizer& tokenizer);

/// The tokenizer whose files lie in `folder`; where there are none, a token is a byte. Throws BadFile, IoError.
std::shared_ptr<const Tokenizer> read_tokenizer(const std::filesystem::path& folder);

/// The one that needs no file.
std::shared_ptr<const Tokenizer> byte_tokenizer();

}  // namespace multipl_moe
