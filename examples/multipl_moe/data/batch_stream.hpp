/// Training batches from several languages.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "multipl_moe/data/language.hpp"
#include "multipl_moe/data/mixture.hpp"
#include "multipl_moe/data/packing.hpp"
#include "multipl_moe/data/token_file.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/tokenizer/byte_tokenizer.hpp"

namespace multipl_moe {

/// B sequences of T tokens, row-major: sequence b is [b * T, b * T + T).
struct TokenBatch {
  std::int64_t sequences = 0;       ///< B
  std::int64_t length = 0;          ///< T
  std::vector<Token> tokens;        ///< [B, T]
  std::vector<Token> targets;       ///< [B, T]: the token after each of `tokens`
  std::vector<Language> languages;  ///< [B]
  std::int64_t number = 0;          ///< the first one's place in the stream, from 0
};

/// The training file of each language; empty where there is none.
using LanguageFiles = std::array<std::shared_ptr<const TokenFile>, language_count>;

/// Text of another tokenizer than the one it was asked for.
class OtherTokenizer : public BadFile {
 public:
  OtherTokenizer(const TokenFile& found, std::uint64_t wanted);

  std::uint64_t hash() const noexcept { return hash_; }
  std::int64_t vocab_size() const noexcept { return vocab_size_; }

 private:
  std::uint64_t hash_;
  std::int64_t vocab_size_;
};

/// Opens `<folder>/<language>.<split>.tokens` for each language that has one with a document.
/// Throws BadFile where none has, OtherTokenizer, IoError.
LanguageFiles open_language_files(const std::filesystem::path& folder, std::string_view split,
                                  std::uint64_t tokenizer_hash);

struct BatchOptions {
  std::int64_t sequences = 4;  ///< B
  std::int64_t length = 256;   ///< T
  std::uint64_t seed = 0;
  Token end_of_text = ByteTokenizer::end;  ///< the tokenizer's
};

/// An endless stream of batches that depends only on files, weights and options. Its whole state
/// is one number, next_sequence(): store it, seek() to it, and the stream goes on as it would have.
class BatchStream {
 public:
  /// Throws UsageError where a language has a weight but no file, or as Mixture; BadFile where a
  /// file does not hold one sequence.
  BatchStream(const LanguageFiles& files, const LanguageWeights& weights, const BatchOptions& options);

  /// Replaces the contents of `batch`, whose memory is used again. Throws as TokenFile::read().
  void next(TokenBatch& batch);

  std::int64_t next_sequence() const noexcept { return mixture_.count(); }
  void seek(std::int64_t next_sequence) { mixture_.seek(next_sequence); }

  const BatchOptions& options() const noexcept { return options_; }
  /// The share of the sequences that is the language's.
  double share(Language language) const { return mixture_.share(language); }
  /// What the language's sequences are cut from; null where its share is 0.
  const TokenFile* file(Language language) const;

  /// Tokens (inputs) given out so far, and how many times over that read the language's file.
  std::int64_t tokens_seen(Language language) const;
  double epochs_seen(Language language) const;

 private:
  BatchOptions options_;
  Mixture mixture_;
  std::array<std::optional<PackedTokens>, language_count> packed_;
  std::vector<Token> sequence_;
};

}  // namespace multipl_moe
