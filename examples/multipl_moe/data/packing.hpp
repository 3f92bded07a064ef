/// From documents to training sequences. In every epoch the documents are put in a new order, an
/// end-of-text after each, and the stream is cut into blocks of T tokens that are visited in a new
/// order too: blocks of one long file would otherwise meet in one batch.
/// (epoch, index) alone finds a sequence, so that a resumed run needs nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "multipl_moe/data/token_file.hpp"

namespace multipl_moe {

/// A permutation of 0 .. count-1 that depends on nothing but its arguments. `count` < 2^32.
std::vector<std::uint32_t> keyed_permutation(std::int64_t count, std::uint64_t seed, std::uint64_t stream,
                                             std::uint64_t epoch);

/// One file's sequences. Not for use by several threads: an epoch's order is kept between reads.
class PackedTokens {
 public:
  /// `length`: T, tokens of input in a sequence. Throws BadFile where the file does not hold one
  /// sequence, UsageError where length < 1.
  PackedTokens(std::shared_ptr<const TokenFile> file, Token end_of_text, std::int64_t length, std::uint64_t seed);

  const TokenFile& file() const noexcept { return *file_; }
  std::int64_t length() const noexcept { return length_; }
  /// Sequences in an epoch: (stream - 1) / T, where the stream counts each end-of-text.
  std::int64_t sequences_per_epoch() const noexcept { return sequences_; }
  /// Tokens at the end of the stream that an epoch never predicts: less than T.
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
  std::vector<std::int64_t> begins_;      ///< where each of them begins in the stream
  std::vector<std::uint32_t> blocks_;     ///< the epoch's order of blocks
};

}  // namespace multipl_moe
