/// Tokenized documents of one language and split, in a format of our own, little-endian:
///
///     0  "moetoks\n"
///     8  u32 version (1), u32 bytes per token (2 up to a vocabulary of 65,536, else 4)
///    16  u64 vocabulary size, u64 tokenizer hash, u64 documents, u64 tokens
///    48  u64 XXH3 of bytes 56 to the end followed by bytes 0 to 47
///    56  the tokens, document after document, without end-of-text between them
///        u64 offsets[documents + 1] in tokens: 0, strictly rising, the count of tokens
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

class TokenFile {
 public:
  /// Checks the whole file, checksum and every token included; keeps only the offsets in memory.
  /// Throws BadFile, IoError.
  static TokenFile open(const std::filesystem::path& path);

  const std::filesystem::path& path() const noexcept { return file_.path(); }
  std::int64_t vocab_size() const noexcept { return vocab_size_; }
  std::uint64_t tokenizer_hash() const noexcept { return tokenizer_hash_; }
  /// XXH3 of the file, which open() has checked.
  std::uint64_t checksum() const noexcept { return checksum_; }
  std::int64_t token_count() const noexcept { return offsets_.back(); }
  std::int64_t document_count() const noexcept { return static_cast<std::int64_t>(offsets_.size()) - 1; }
  /// Index of the first token of a document; the number of all tokens for document_count().
  std::int64_t document_begin(std::int64_t document) const { return offsets_[static_cast<std::size_t>(document)]; }
  std::int64_t document_size(std::int64_t document) const {
    return document_begin(document + 1) - document_begin(document);
  }

  /// Reads tokens `begin` to `begin + tokens.size()`, which must exist, from the disk. Throws BadFile if the file was
  /// truncated or overwritten after open(); IoError.
  void read(std::int64_t begin, std::span<Token> tokens) const;

 private:
  TokenFile(InputFile file, std::int64_t vocab_size, std::uint64_t tokenizer_hash, std::uint64_t checksum,
            std::vector<std::int64_t> offsets);

  InputFile file_;
  std::int64_t vocab_size_;
  std::uint64_t tokenizer_hash_;
  std::uint64_t checksum_;
  std::vector<std::int64_t> offsets_;
};

/// Writes a token file document by document; the complete file appears under its name at finish().
class TokenFileWriter {
 public:
  /// Every member throws IoError. `vocab_size`: 1 to 2^32.
  TokenFileWriter(std::filesystem::path path, std::int64_t vocab_size, std::uint64_t tokenizer_hash);

  /// Removes the partial file unless finish() returned.
  ~TokenFileWriter();
  TokenFileWriter(const TokenFileWriter&) = delete;
  TokenFileWriter& operator=(const TokenFileWriter&) = delete;

  /// Throws Failure if the document is empty or has a token outside the vocabulary.
  void append(std::span<const Token> document);
  void finish();

 private:
  void write_hashed(std::span<const std::byte> bytes);

  std::filesystem::path path_;
  CheckedFile file_;
  std::uint64_t vocab_size_;
  std::uint64_t tokenizer_hash_;
  std::vector<std::uint64_t> offsets_{0};
  RunningHash hash_;
  bool finished_ = false;
};

}  // namespace multipl_moe
