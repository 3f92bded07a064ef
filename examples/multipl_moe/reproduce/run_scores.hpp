/// The scores of trained systems: what tables and verdicts are made of.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe::reproduce {

/// pass@1 of each problem, which is the same problem in all languages.
struct ExerciseScores {
  std::vector<std::string> problems;                     ///< names, in bytewise order
  std::vector<std::string> levels, strata;               ///< of each problem; "" if the benchmark has none
  std::array<std::vector<double>, language_count> pass;  ///< by language and problem; empty for a language without

  /// The mean over `languages` of each problem; empty if one of them was not scored.
  std::vector<double> by_problem(std::span<const Language> languages) const;
};

/// The scores of one system that was trained with one seed.
struct RunScores {
  std::optional<ExerciseScores> exercises;
  std::array<std::optional<double>, language_count> bits_per_byte;  ///< of real code

  bool has_bits() const;
  /// The mean bits per byte of `languages`; empty if one of them was not scored.
  std::optional<double> bits_of(std::span<const Language> languages) const;
};

/// By system and seed.
using AllScores = std::map<std::string, std::map<std::uint64_t, RunScores>, std::less<>>;

/// The scores in problems.csv of `evaluate`. Throws BadFile unless it has the same problems in every language it has.
ExerciseScores parse_problems(std::string_view text, const std::filesystem::path& path);

/// The bits per byte in the output of `eval --json`. Throws BadFile.
std::array<std::optional<double>, language_count> parse_bits(std::string_view text, const std::filesystem::path& path);

}  // namespace multipl_moe::reproduce
