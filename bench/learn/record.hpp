/// learn.jsonl: the record of a study of strategies, one JSON value per line. The first line is the setup of all runs;
/// then follow the steps of each run, and its result once it has ended.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace moe_bench {

/// The common setup of all runs of a study. Results are comparable only if it is the same.
struct StudySetup {
  std::string cpu, simd, compiler;
  int cores = 0, threads = 0;
  /// Folder of the token files, and the number of training tokens in them.
  std::string data;
  std::int64_t train_tokens = 0;
  std::vector<std::string> languages;
  /// Folder of the tokenizer, empty if each byte is a token, and the number of its tokens.
  std::string tokenizer;
  std::int64_t vocabulary = 0;
  /// Sizes of the model: layers, width, inner channels of a dense FFN that costs as much as the experts of a row.
  std::int64_t layers = 0, width = 0, hidden = 0;
  /// Experts, experts per row, rows per segment; as given, before a strategy divides experts differently.
  std::int64_t experts = 0, choices = 0, window = 0;
  /// Optimizer steps, sequences per step, tokens per sequence.
  std::int64_t steps = 0, sequences = 0, length = 0;
  /// Peak of the cosine schedule.
  double learning_rate = 0;
  /// Bytes of text per language for the points of a curve, and for the result.
  std::int64_t curve_bytes = 0, test_bytes = 0;

  bool operator==(const StudySetup&) const = default;
};

/// The loads of one level of one layer, summed over some steps.
struct LevelLoad {
  std::int64_t layer = 0;
  std::string level;
  /// Routed rows; pairs of row and expert that were selected, and that were kept; rows that no expert processed.
  std::int64_t rows = 0, chosen = 0, kept = 0, unserved = 0;
  /// Kept pairs by expert.
  std::vector<std::int64_t> load;
  /// Highest load in a batch as a multiple of the mean over experts; mean over steps. `peak_of_rest`: the same without
  /// the busiest expert, for levels in which one expert processes every row by design.
  double peak = 0, peak_of_rest = 0;
};

/// Intermediate values of a run.
struct StepLine {
  std::string strategy;
  std::int64_t seed = 0, step = 0, tokens = 0;
  /// Seconds of training alone, since the run began.
  double seconds = 0;
  /// Training loss in nats per token, mean over the steps since the last line.
  double loss = 0;
  /// Bits per byte of the development text, mean over languages; NaN if this step was not evaluated.
  double held_out = 0;
  /// Loads since the last line.
  std::vector<LevelLoad> levels;
};

/// The result of a run that has ended.
struct ResultLine {
  std::string strategy, routing;
  std::int64_t seed = 0, steps = 0, skipped = 0, tokens = 0;
  /// Seconds of training alone.
  double seconds = 0;
  std::int64_t parameters = 0;
  bool causal = false, batch_invariant = false;
  /// Bits per byte of the test text, by language.
  std::vector<std::pair<std::string, double>> bits_per_byte;
  /// The reason for which training ended early; empty if it did not.
  std::string failure;

  /// Mean over languages; NaN if there are none.
  double mean_bits_per_byte() const;
  double tokens_per_second() const { return seconds > 0 ? static_cast<double>(tokens) / seconds : 0; }
};

/// The lines of a file, by kind.
struct Record {
  StudySetup setup;
  std::vector<StepLine> steps;
  std::vector<ResultLine> results;
};

/// A line of JSON with its newline. Values that are not finite become null.
std::string line_of(const StudySetup& setup);
std::string line_of(const StepLine& step);
std::string line_of(const ResultLine& result);

/// Parses `text`, which must begin with a setup. An incomplete last line, left by a killed run, is ignored. Throws
/// BadFile, with `path`, for any other line that is invalid. read_record() also throws as read_whole_file().
Record parse_record(const std::string& text, const std::filesystem::path& path);
Record read_record(const std::filesystem::path& path);

/// Whether the run has a result.
bool is_finished(const Record& record, const std::string& strategy, std::int64_t seed);

/// The lines of the setup and of all finished runs, in order, from which an interrupted study is resumed.
std::string finished_lines(const Record& record);

}  // namespace moe_bench
