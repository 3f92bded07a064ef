#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "multipl_moe/tokenizer/added_tokens.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"
#include "multipl_moe/tokenizer/tokenizer_parts.hpp"
#include "multipl_moe/tokenizer/word_splitter.hpp"

namespace multipl_moe {

/// Byte-level byte-pair encoding (BPE) as in Qwen: added tokens are cut out of the text, the rest is normalized (NFC)
/// and split into words by a regular expression, and the bytes of each word are merged.
///
/// Text that is not UTF-8 is decoded as by Python's bytes.decode(errors="replace"), because other tokenizers receive it
/// in that form. Special added tokens are only matched by encode_with_special(), other added tokens always.
class BpeTokenizer final : public Tokenizer {
 public:
  /// A file with its unchanged bytes.
  struct SourceFile {
    std::string name, bytes;
  };

  /// The folder of `path` is the tokenizer's name. Throws BadFile, which names `path`, if the pattern is refused or
  /// `<|endoftext|>` is not a special token. write_files() writes `files` again, or a tokenizer.json if there are none.
  BpeTokenizer(TokenizerParts parts, const std::filesystem::path& path, std::vector<SourceFile> files = {});
  ~BpeTokenizer() override;

  std::string name() const override { return name_; }
  std::int64_t vocab_size() const override;
  Token end_of_text() const override { return end_; }
  std::uint64_t hash() const override { return hash_; }

  std::vector<Token> encode(std::string_view text) const override;
  std::vector<Token> encode_with_special(std::string_view text) const override;
  std::vector<TextPart> split_at_special(std::string_view text) const override;
  std::string decode(std::span<const Token> tokens) const override;
  std::int64_t byte_length(Token token) const override;

  void write_files(const std::filesystem::path& folder) const override;

  const TokenizerParts& parts() const noexcept { return parts_; }

 private:
  enum class Special { text, token };
  class Encoding;
  struct Workspace;

  std::vector<Token> encode_as(Special special, std::string_view text) const;
  /// The bytes of text of a token; empty for special tokens and unknown ids.
  std::string_view said_by(Token token) const;
  std::unique_ptr<Workspace> take_workspace() const;

  TokenizerParts parts_;
  std::string name_;
  std::vector<SourceFile> files_;
  WordSplitter splitter_;
  AddedTokenFinder raw_;                  ///< matched in the text before normalization
  AddedTokenFinder normalized_;           ///< matched in normalized text
  AddedTokenFinder special_;              ///< special tokens, which are not text
  std::vector<const AddedToken*> added_;  ///< by id; null: not added
  std::vector<Token> of_byte_;
  Token end_ = 0;
  std::uint64_t hash_ = 0;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Workspace>> idle_;  ///< one for each of the threads that encoded concurrently
};

}  // namespace multipl_moe
