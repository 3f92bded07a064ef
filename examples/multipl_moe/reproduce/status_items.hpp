/// Why programs fail: the shares of their outcomes by language.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string_view>
#include <vector>

#include "multipl_moe/data/language.hpp"
#include "multipl_moe/reproduce/item.hpp"
#include "multipl_moe/reproduce/plan.hpp"

namespace multipl_moe::reproduce {

/// Outcomes that are told apart.
inline constexpr std::array<std::string_view, 5> outcome_names{"passed", "wrong", "syntax error", "time-out",
                                                               "other limits"};

/// Shares in points by language and outcome; empty for a language without programs.
using OutcomeShares = std::array<std::vector<double>, language_count>;
/// By system and seed.
using AllOutcomes = std::map<std::string, std::map<std::uint64_t, OutcomeShares>, std::less<>>;

/// The outcomes in summary.csv of `evaluate`. Throws BadFile.
OutcomeShares parse_outcomes(std::string_view text, const std::filesystem::path& path);

/// Those of the plan's runs on exercises in `folder`. Throws BadFile, IoError.
AllOutcomes read_outcomes(const Plan& plan, const std::filesystem::path& folder);

/// statuses; empty without outcomes.
std::vector<Item> status_items(const AllOutcomes& outcomes);

}  // namespace multipl_moe::reproduce
