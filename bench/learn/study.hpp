/// Trains one small language model with each strategy in turn, from scratch, on the same tokens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "bench/strategies/strategy.hpp"
#include "moe/backend/cpu/cpu.hpp"

namespace moe_bench {

struct StudyOptions {
  /// Folder of token files, as `multipl_moe prepare` writes it, and the one that gets learn.jsonl.
  std::filesystem::path data, out;
  std::int64_t steps = 400, seeds = 3;
  /// Experts, and how many a row meets; each is as wide as makes those that it meets cost what the demo's FFN costs.
  std::int64_t experts = 8, choices = 2;
  /// Rows of a segment.
  std::int64_t window = 16;
  std::int64_t sequences = 4, length = 256;
  double learning_rate = 4e-3;
  /// Evaluations in a run's course; loads are written down three times as often.
  std::int64_t points = 8;
  std::int64_t curve_bytes = 4096, test_bytes = 16'384;
  int threads = 1;
  bool quiet = false;
};

/// What layers are made by.
Sizes sizes_of(const StudyOptions& options);

/// Seed by seed over all strategies: the model's first weights and the order of its data are the seed's. Appends to
/// <out>/learn.jsonl; runs that have a result there are skipped, what an interrupted one left is removed first.
/// A run whose loss is not finite for long ends with a result that says so. Throws UsageError where the file is of
/// another setup, Interrupted where a signal ended a run, Failure where another process holds <out>; BadFile, IoError.
void run_study(const std::vector<Strategy<moe::Cpu<>>>& strategies, const StudyOptions& options);

}  // namespace moe_bench
