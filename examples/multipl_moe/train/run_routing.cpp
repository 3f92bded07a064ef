#include "multipl_moe/train/run_routing.hpp"

#include <fmt/format.h>

#include <span>
#include <utility>

#include "moe/core/routing_bytes.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/model/routing_file.hpp"

namespace multipl_moe {

namespace {

std::span<const Token> tokens_of(const TokenBatch& batch, std::int64_t sequence) {
  return std::span(batch.tokens)
      .subspan(static_cast<std::size_t>(sequence * batch.length), static_cast<std::size_t>(batch.length));
}

}  // namespace

void RecordedRouting::add(const TokenBatch& batch, std::vector<moe::RoutingRecord> records) {
  for (std::size_t b = 0; b < records.size(); ++b) {
    records[b].tokens = hash_of_read(tokens_of(batch, static_cast<std::int64_t>(b)));
    records_.push_back(std::move(records[b]));
  }
}

void RecordedRouting::write() const { write_routing(path_, records_); }

ReplayedRouting::ReplayedRouting(std::filesystem::path path, const ModelConfig& model)
    : path_(std::move(path)), records_(read_routing(path_, model)) {
  for (std::size_t i = 0; i < records_.size(); ++i) first_.try_emplace(records_[i].tokens, i);
  const std::vector<std::uint8_t> bytes = moe::routing_to_bytes(records_);
  name_ = fmt::format("XXH3 {:016x}", hash_of(std::as_bytes(std::span(bytes))));
}

moe::RoutingReplay ReplayedRouting::of(const TokenBatch& batch) const {
  moe::RoutingReplay replay;
  for (std::int64_t b = 0; b < batch.sequences; ++b) {
    const std::uint64_t tokens = hash_of_read(tokens_of(batch, b));
    const auto fits = [&](std::size_t i) {
      return i < records_.size() && records_[i].tokens == tokens && records_[i].rows() == batch.length;
    };
    std::size_t at = static_cast<std::size_t>(batch.number + b);
    if (!fits(at)) {
      const auto found = first_.find(tokens);
      at = found == first_.end() ? records_.size() : found->second;
    }
    if (!fits(at))
      throw BadFile(path_,
                    fmt::format("must have a record of the {} of each sequence of the run, found none among {} records "
                                "for sequence {}; the sequences depend on --data, --mix, --seed, --sequence-length and "
                                "the tokenizer",
                                counted(batch.length, "tokens"), records_.size(), batch.number + b));
    replay.add(records_[at]);
  }
  return replay;
}

void ReplayedRouting::refuse(const moe::Error& error) const {
  throw BadFile(path_, "must match this model: " + rule_of(error.what()));
}

}  // namespace multipl_moe
