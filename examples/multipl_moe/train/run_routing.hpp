/// Recording and replaying the expert choices of a run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "moe/core/require.hpp"
#include "moe/core/routing_recorder.hpp"
#include "moe/core/routing_replay.hpp"
#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// Records the expert choices of each sequence of a run, in order.
class RecordedRouting {
 public:
  explicit RecordedRouting(std::filesystem::path path) : path_(std::move(path)) {}

  /// Adds one record for each sequence of the batch.
  void add(const TokenBatch& batch, std::vector<moe::RoutingRecord> records);
  /// Writes the file. Throws IoError.
  void write() const;

 private:
  std::filesystem::path path_;
  std::vector<moe::RoutingRecord> records_;
};

/// The expert choices that a file has for the sequences of a run. Sequence n of the stream uses record n if that has
/// the same tokens, else the first record with the same tokens.
class ReplayedRouting {
 public:
  /// Throws BadFile as read_routing().
  ReplayedRouting(std::filesystem::path path, const ModelConfig& model);

  /// Hash of the file's contents as text, `XXH3 <16 hex digits>`.
  const std::string& name() const { return name_; }
  /// The replay of a batch's sequences, which this object must outlive. Throws BadFile if a sequence has no record.
  moe::RoutingReplay of(const TokenBatch& batch) const;
  /// Throws BadFile with the reason for which a layer rejected the file's choices.
  [[noreturn]] void refuse(const moe::Error& error) const;

 private:
  std::filesystem::path path_;
  std::string name_;
  std::vector<moe::RoutingRecord> records_;
  /// Index of the first record by the hash of its tokens.
  std::unordered_map<std::uint64_t, std::size_t> first_;
};

}  // namespace multipl_moe
