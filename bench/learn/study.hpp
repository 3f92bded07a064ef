/// Trains one small language model with each strategy in turn, from scratch, on the same tokens.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "bench/strategies/strategy.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace moe_bench {

struct StudyOptions {
  /// Folder of token files, written by `multipl_moe prepare`, and the folder for learn.jsonl.
  std::filesystem::path data, out;
  /// Of the token files, and its folder as it was given; without a folder each byte is a token.
  std::shared_ptr<const multipl_moe::Tokenizer> tokenizer;
  std::string tokenizer_folder;
  std::int64_t steps = 400, seeds = 3;
  /// Experts, and experts per row. Experts are so wide that those of a row cost as much as the demo's dense FFN.
  std::int64_t experts = 8, choices = 2;
  /// Rows per segment.
  std::int64_t window = 16;
  std::int64_t sequences = 4, length = 256;
  double learning_rate = 4e-3;
  /// Number of evaluations during a run; loads are recorded three times as often.
  std::int64_t points = 8;
  std::int64_t curve_bytes = 4096, test_bytes = 16'384;
  int threads = 1;
  bool quiet = false;
};

/// The sizes from which strategies make their layers.
Sizes sizes_of(const StudyOptions& options);

/// Runs all strategies, seed by seed; the seed determines the initial weights and the order of the data. Appends to
/// <out>/learn.jsonl: runs with a result there are skipped, the lines of an interrupted run are removed first. A run
/// that ends because too many steps are not finite has a result with this failure. Throws UsageError if the file has
/// another setup, Interrupted if a signal ended a run, Failure if another process has locked <out>; BadFile, IoError.
void run_study(const std::vector<Strategy<moe::Cpu<>>>& strategies, const StudyOptions& options);

}  // namespace moe_bench
