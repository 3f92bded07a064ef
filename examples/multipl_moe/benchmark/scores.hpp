/// The scores of a set of completions, and the files that hold them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "multipl_moe/benchmark/completion_file.hpp"
#include "multipl_moe/benchmark/execution.hpp"
#include "multipl_moe/benchmark/problem.hpp"

namespace multipl_moe::benchmark {

/// A completion and the outcome of its program.
struct Scored {
  Completion completion;
  std::string hash;  ///< of the program
  Executed executed;
};

/// Scores of one language of one benchmark.
struct LanguageScores {
  std::string benchmark;
  Language language = Language::python;
  struct PassAt {
    std::int64_t k = 1;
    double pass = 0;            ///< mean over the problems
    double low = 0, high = 1;   ///< Wilson's 95 % interval, with the number of problems as sample size
    double pass_multipl_e = 0;  ///< with EarlyExit counted as passed, as MultiPL-E does
  };
  std::vector<PassAt> pass_at;
  std::int64_t problems = 0, samples = 0;
  std::array<std::int64_t, status_count> statuses{};
  std::int64_t first_timeouts = 0;  ///< samples that timed out beside others, before they were run again alone
  std::int64_t truncated = 0;       ///< completions that were cut at the limit of new tokens
  std::int64_t cannot_pass = 0;     ///< problems whose prompt and tests do not compile with any body
};

/// Checks that every problem has the samples 0 .. n - 1 and returns n. Throws BadFile, which names the first problem
/// that has other ones; `path` is the file of the completions.
std::int64_t require_same_samples(std::span<const Problem> problems, std::span<const Completion> completions,
                                  const std::filesystem::path& path);

/// The scores by benchmark and language, in the order of the problems. `cannot_pass`: for each problem.
/// `scored` has the same number of samples of each problem. Throws UsageError for a k above it.
std::vector<LanguageScores> scores_of(std::span<const Problem> problems, std::span<const Scored> scored,
                                      std::span<const std::int64_t> ks, const std::vector<bool>& cannot_pass);

/// A line of results.jsonl, without its end.
std::string result_line(const Scored& sample, const Problem& problem);
/// results.jsonl: a line for each of `scored`.
std::string results_text(std::span<const Problem> problems, std::span<const Scored> scored);
/// problems.csv: benchmark, language, name, family, level, stratum, samples n, passed c.
std::string problems_csv(std::span<const Problem> problems, std::span<const Scored> scored);
/// summary.csv: a line for each benchmark, language and k.
std::string summary_csv(std::span<const LanguageScores> scores);
/// For stdout.
std::string summary_table(std::span<const LanguageScores> scores);
std::string summary_json(std::span<const LanguageScores> scores);

}  // namespace multipl_moe::benchmark
