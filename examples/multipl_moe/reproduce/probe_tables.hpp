/// The tables of `probe` that a reproduction makes, by system and seed.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/data/language.hpp"
#include "multipl_moe/reproduce/plan.hpp"

namespace multipl_moe::reproduce {

/// A value of each language; empty for a language without text.
using LanguageValues = std::array<std::optional<double>, language_count>;

/// What is lost without the output of one expert, or of all of a kind.
struct Lesion {
  std::string kind;                  ///< shared, token or segment
  std::optional<std::string> place;  ///< "LAYER,EXPERT" of a single expert
  LanguageValues cost{};             ///< bits per byte more
  LanguageValues share{};            ///< of the rows that a single expert processes
};

/// lesion.csv. Throws BadFile.
std::vector<Lesion> parse_lesions(std::string_view text, const std::filesystem::path& path);

/// The mean gate of the shared expert by layer at the last step in bypass.csv. Throws BadFile.
std::map<std::int64_t, LanguageValues> parse_gates(std::string_view text, const std::filesystem::path& path);

/// leak.csv by text and measure. Throws BadFile.
using LeakMeasures = std::map<std::string, std::map<std::string, double>>;
LeakMeasures parse_leak(std::string_view text, const std::filesystem::path& path);

template <class Output>
using BySystemAndSeed = std::map<std::string, std::map<std::uint64_t, Output>, std::less<>>;

struct ProbeTables {
  BySystemAndSeed<std::vector<Lesion>> lesions;
  BySystemAndSeed<std::map<std::int64_t, LanguageValues>> gates;
  BySystemAndSeed<LeakMeasures> letters, code;  ///< leaks of random letters, and of real code
};

/// The tables of the plan's probes in `folder`. Throws BadFile, IoError.
ProbeTables read_probes(const Plan& plan, const std::filesystem::path& folder);

}  // namespace multipl_moe::reproduce
