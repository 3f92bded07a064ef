/// Writes the exercises: a benchmark of small functions in six languages, and training text for it.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>

#include "multipl_moe/data/language.hpp"
#include "multipl_moe/exercises/key.hpp"

namespace multipl_moe::exercises {

struct ExerciseOptions {
  std::filesystem::path out;
  std::int64_t problems = 120;  ///< of dev and of test; of wording half as many
  std::int64_t high = 16'000;   ///< functions for training in each high-resource language
  std::int64_t low = 1'600;     ///< the same for low-resource languages
  std::uint64_t seed = 0;
};

struct ExerciseReport {
  struct Training {
    std::int64_t functions = 0, files = 0, bytes = 0;
  };
  std::array<Training, language_count> training{};
  std::array<std::int64_t, all_sets.size()> problems{};  ///< of each set, in every language
  std::array<std::int64_t, all_sets.size()> calls{};     ///< that test them, in every language
};

/// Writes, each folder atomically and exercises.json last:
///   train/<language>/    source files of 20 functions, for prepare
///   dev, test, wording/  prompts.jsonl: a problem in a language a line, in the fields of MultiPL-E
///   answers/             completions of each set: <set>_solutions.jsonl, all right, and <set>_mutants.jsonl, all wrong
/// The bytes depend on the options alone. Throws UsageError, before the first write, if a number is out of range
/// or if there are not enough different problems; IoError.
ExerciseReport write_exercises(const ExerciseOptions& options);

/// What exercises.json holds.
std::string to_json_text(const ExerciseReport& report, const ExerciseOptions& options);

}  // namespace multipl_moe::exercises
