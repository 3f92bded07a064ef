/// What is chosen in a run, recorded and replayed.
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

/// Of each sequence of a run, in their order.
class RecordedRouting {
 public:
  explicit RecordedRouting(std::filesystem::path path) : path_(std::move(path)) {}

  /// A record for each sequence of the batch.
  void add(const TokenBatch& batch, std::vector<moe::RoutingRecord> records);
  /// Throws IoError.
  void write() const;

 private:
  std::filesystem::path path_;
  std::vector<moe::RoutingRecord> records_;
};

/// The choices that a file has for the sequences of a run: for sequence n of the stream record n, where that is of its
/// tokens, or else the first record that is.
class ReplayedRouting {
 public:
  /// Throws BadFile as read_routing().
  ReplayedRouting(std::filesystem::path path, const ModelConfig& model);

  /// Names the file's contents.
  const std::string& name() const { return name_; }
  /// What a batch's sequences are given; this must outlive it. Throws BadFile where one has no record.
  moe::RoutingReplay of(const TokenBatch& batch) const;
  /// Throws BadFile that says what of the file the layers refused.
  [[noreturn]] void refuse(const moe::Error& error) const;

 private:
  std::filesystem::path path_;
  std::string name_;
  std::vector<moe::RoutingRecord> records_;
  /// By the hash of their tokens.
  std::unordered_map<std::uint64_t, std::size_t> first_;
};

}  // namespace multipl_moe
