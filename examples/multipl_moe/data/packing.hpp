/// Packs documents into training sequences. In every epoch the documents are shuffled and joined with an end-of-text
/// after each, and the stream is cut into blocks of T tokens. The order of the blocks is shuffled too; otherwise the
/// blocks of one long file would be in the same batch. A sequence is determined by (epoch, index), so that a resumed
/// run requires no other state.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "multipl_moe/data/token_file.hpp"

namespace multipl_moe {

/// A permutation of 0 .. count-1 that depends only on its arguments. `count` < 2^32.
std::vector<std::uint32_t> keyed_permutation(std::int64_t count, std::uint64_t seed, std::uint64_t stream,
                                             std::uint64_t epoch);

/// The sequences of one file. Not thread-safe: the order of an epoch is kept between reads.
class PackedTokens {
 public:
  /// `length`: T, input tokens of a sequence. Throws BadFile if the file is too short for one sequence, UsageError if
  /// length < 1.
  PackedTokens(std::shared_ptr<const TokenFile> file, Token end_of_text, std::int64_t length, std::uint64_t seed);

  const TokenFile& file() const noexcept { return *file_; }
  std::int64_t length() const noexcept { return length_; }
  /// Sequences in an epoch: (stream - 1) / T, where the stream counts each end-of-text.
  std::int64_t sequences_per_epoch() const noexcept { return sequences_; }
  /// Tokens at the end of the stream that are never predicted in an epoch: fewer than T.
  std::int64_t dropped_per_epoch() const noexcept;

  /// Writes T + 1 tokens of the stream: the first T are the input, the last T the targets.
  /// 0 <= index < sequences_per_epoch(). Throws as TokenFile::read().
  void read(std::int64_t epoch, std::int64_t index, std::span<Token> tokens);

 private:
  void order_epoch(std::int64_t epoch);

  std::shared_ptr<const TokenFile> file_;
  Token end_of_text_;
  std::int64_t length_;
  std::uint64_t seed_;
  std::int64_t sequences_;
  std::int64_t ordered_epoch_ = -1;
  std::vector<std::uint32_t> documents_;  ///< the epoch's order of documents
  std::vector<std::int64_t> begins_;      ///< the beginning of each of them in the stream
  std::vector<std::uint32_t> blocks_;     ///< the epoch's order of blocks
};

}  // namespace multipl_moe
