/// learn.jsonl: what a study of strategies writes down, one value a line. First what all runs have in common, then what
/// each run did in its course, and a result where it ended.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace moe_bench {

/// What all runs of a study have in common. Figures of runs compare only where it is the same.
struct StudySetup {
  std::string cpu, simd, compiler;
  int cores = 0, threads = 0;
  /// Folder of the token files, and how many tokens there are to train on.
  std::string data;
  std::int64_t train_tokens = 0;
  std::vector<std::string> languages;
  /// Of the model: layers, width, inner channels of a dense FFN that costs as much as the experts that a row meets.
  std::int64_t layers = 0, width = 0, hidden = 0;
  /// Experts, how many a row meets, rows of a segment; as given, before a strategy cuts experts of its own.
  std::int64_t experts = 0, choices = 0, window = 0;
  /// Optimizer steps, and sequences and tokens of each in a step.
  std::int64_t steps = 0, sequences = 0, length = 0;
  /// Peak of the cosine schedule.
  double learning_rate = 0;
  /// Text a language that a curve's points and a result are measured on.
  std::int64_t curve_bytes = 0, test_bytes = 0;

  bool operator==(const StudySetup&) const = default;
};

/// How one level of one layer spread its rows over experts, summed over some steps.
struct LevelLoad {
  std::int64_t layer = 0;
  std::string level;
  /// RoutingResult rows; pairs of row and expert that were chosen, that were kept; rows that no expert worked on.
  std::int64_t rows = 0, chosen = 0, kept = 0, unserved = 0;
  /// Pairs kept, by expert.
  std::vector<std::int64_t> load;
  /// Pairs of a batch's busiest expert, as a multiple of the mean over experts; mean over steps. `peak_of_rest`: the
  /// same without the busiest one, for levels where one expert meets every row by design.
  double peak = 0, peak_of_rest = 0;
};

/// A run on its way.
struct StepLine {
  std::string strategy;
  std::int64_t seed = 0, step = 0, tokens = 0;
  /// Of training alone, since the run began.
  double seconds = 0;
  /// Nats per token in training, mean over the steps since the last line.
  double loss = 0;
  /// Bits per byte of the development text, mean over languages; NaN where this line has none.
  double held_out = 0;
  /// Since the last line.
  std::vector<LevelLoad> levels;
};

/// A run that came to its end.
struct ResultLine {
  std::string strategy, routing;
  std::int64_t seed = 0, steps = 0, skipped = 0, tokens = 0;
  /// Of training alone.
  double seconds = 0;
  std::int64_t parameters = 0;
  bool causal = false, batch_invariant = false;
  /// Bits per byte of the test text, by language.
  std::vector<std::pair<std::string, double>> bits_per_byte;
  /// Why training ended early; empty where it did not.
  std::string failure;

  /// Mean over languages; NaN where there are none.
  double mean_bits_per_byte() const;
  double tokens_per_second() const { return seconds > 0 ? static_cast<double>(tokens) / seconds : 0; }
};

/// The lines of a file, by kind.
struct Record {
  StudySetup setup;
  std::vector<StepLine> steps;
  std::vector<ResultLine> results;
};

/// Each ends in a newline. What is not finite becomes null.
std::string line_of(const StudySetup& setup);
std::string line_of(const StepLine& step);
std::string line_of(const ResultLine& result);

/// `text` as a record: it begins with a setup. A last line that a kill cut short counts for nothing. Throws BadFile for
/// any other line that is none, with `path` to name it by; as read_whole_file.
Record parse_record(const std::string& text, const std::filesystem::path& path);
Record read_record(const std::filesystem::path& path);

/// Whether the run came to its end.
bool is_finished(const Record& record, const std::string& strategy, std::int64_t seed);

/// The lines of the setup and of all finished runs, in their order: what a study that was interrupted goes on from.
std::string finished_lines(const Record& record);

}  // namespace moe_bench
