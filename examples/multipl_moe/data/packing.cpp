#include "multipl_moe/data/packing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/hash.hpp"

namespace multipl_moe {

namespace {

constexpr std::uint64_t document_stream = 0;
constexpr std::uint64_t block_stream = 1;

}  // namespace

std::vector<std::uint32_t> keyed_permutation(std::int64_t count, std::uint64_t seed, std::uint64_t stream,
                                             std::uint64_t epoch) {
  std::vector<std::uint32_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0u);
  for (std::size_t left = order.size(); left > 1; --left) {
    // 32 random bits scaled to the range: uniform up to a relative error of left / 2^32, and equal on every system,
    // unlike std::shuffle.
    const std::uint64_t random = hash_of_numbers({stream, epoch, left}, seed) >> 32;
    std::swap(order[left - 1], order[(random * left) >> 32]);
  }
  return order;
}

PackedTokens::PackedTokens(std::shared_ptr<const TokenFile> file, Token end_of_text, std::int64_t length,
                           std::uint64_t seed)
    : file_(std::move(file)), end_of_text_(end_of_text), length_(length), seed_(seed), sequences_(0) {
  if (length < 1) throw UsageError(fmt::format("[--sequence-length] must be at least 1, found {}", length));
  const std::int64_t stream = file_->token_count() + file_->document_count();
  sequences_ = stream == 0 ? 0 : (stream - 1) / length;
  if (sequences_ == 0)
    throw BadFile(file_->path(), fmt::format("must hold a sequence of {}, found {} in all", counted(length, "tokens"),
                                             file_->token_count()));
}

std::int64_t PackedTokens::dropped_per_epoch() const noexcept {
  return file_->token_count() + file_->document_count() - 1 - sequences_ * length_;
}

void PackedTokens::order_epoch(std::int64_t epoch) {
  if (epoch == ordered_epoch_) return;
  const auto key = static_cast<std::uint64_t>(epoch);
  documents_ = keyed_permutation(file_->document_count(), seed_, document_stream, key);
  blocks_ = keyed_permutation(sequences_, seed_, block_stream, key);
  begins_.clear();
  std::int64_t begin = 0;
  for (const std::uint32_t document : documents_) {
    begins_.push_back(begin);
    begin += file_->document_size(document) + 1;
  }
  ordered_epoch_ = epoch;
}

void PackedTokens::read(std::int64_t epoch, std::int64_t index, std::span<Token> tokens) {
  order_epoch(epoch);
  const std::int64_t position = blocks_[static_cast<std::size_t>(index)] * length_;
  const auto first = std::upper_bound(begins_.begin(), begins_.end(), position) - 1;
  std::int64_t inside = position - *first;
  for (auto slot = static_cast<std::size_t>(first - begins_.begin()); !tokens.empty(); ++slot) {
    const std::int64_t document = documents_[slot];
    const std::int64_t left = file_->document_size(document) - inside;
    const std::size_t count = std::min(tokens.size(), static_cast<std::size_t>(left));
    file_->read(file_->document_begin(document) + inside, tokens.first(count));
    tokens = tokens.subspan(count);
    if (tokens.empty()) return;
    tokens.front() = end_of_text_;
    tokens = tokens.subspan(1);
    inside = 0;
  }
}

}  // namespace multipl_moe
