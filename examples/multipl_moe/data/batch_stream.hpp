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
  std::int64_t number = 0;          ///< index of the first sequence in the stream, from 0
};

/// The training file of each language; null if there is none.
using LanguageFiles = std::array<std::shared_ptr<const TokenFile>, language_count>;

/// A token file was encoded with another tokenizer than the one it was opened for.
class OtherTokenizer : public BadFile {
 public:
  OtherTokenizer(const TokenFile& found, std::uint64_t wanted);

  std::uint64_t hash() const noexcept { return hash_; }
  std::int64_t vocab_size() const noexcept { return vocab_size_; }

 private:
  std::uint64_t hash_;
  std::int64_t vocab_size_;
};

/// Opens `<folder>/<language>.<split>.tokens` for each language that has one with a document. Throws BadFile if there
/// is none, OtherTokenizer if a file belongs to another tokenizer; IoError.
LanguageFiles open_language_files(const std::filesystem::path& folder, std::string_view split,
                                  std::uint64_t tokenizer_hash);

struct BatchOptions {
  std::int64_t sequences = 4;  ///< B
  std::int64_t length = 256;   ///< T
  std::uint64_t seed = 0;
  Token end_of_text = ByteTokenizer::end;  ///< of the tokenizer
};

/// An endless stream of batches that depends only on files, weights and options. Its whole state is next_sequence():
/// after seek() to a stored value, the stream continues identically.
class BatchStream {
 public:
  /// Throws UsageError if a language has a weight but no file, or as Mixture; BadFile if a file is too short for one
  /// sequence.
  BatchStream(const LanguageFiles& files, const LanguageWeights& weights, const BatchOptions& options);

  /// Replaces the contents of `batch` and reuses its memory. Throws as TokenFile::read().
  void next(TokenBatch& batch);

  std::int64_t next_sequence() const noexcept { return mixture_.count(); }
  void seek(std::int64_t next_sequence) { mixture_.seek(next_sequence); }

  const BatchOptions& options() const noexcept { return options_; }
  /// The language's share of the sequences.
  double share(Language language) const { return mixture_.share(language); }
  /// The file of the language's sequences; null if its share is 0.
  const TokenFile* file(Language language) const;

  /// Input tokens of the language so far, and how often they have covered its file.
  std::int64_t tokens_seen(Language language) const;
  double epochs_seen(Language language) const;

 private:
  BatchOptions options_;
  Mixture mixture_;
  std::array<std::optional<PackedTokens>, language_count> packed_;
  std::vector<Token> sequence_;
};

}  // namespace multipl_moe
