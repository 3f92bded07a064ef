/// The results of a reproduction as Markdown and CSV.
#pragma once

#include <filesystem>
#include <set>
#include <span>
#include <string>

#include "multipl_moe/reproduce/plan.hpp"
#include "multipl_moe/reproduce/run_scores.hpp"
#include "multipl_moe/reproduce/verdicts.hpp"

namespace multipl_moe::reproduce {

/// The scores of the plan's runs in `folder` whose stages are `finished`. Throws BadFile, also if one is missing,
/// IoError.
AllScores read_scores(const Plan& plan, const std::filesystem::path& folder, const std::set<std::string>& finished);

/// The traces of the plan's runs in `folder` whose stages are `finished`. Throws BadFile, IoError.
AllRouting read_routing(const Plan& plan, const std::filesystem::path& folder, const std::set<std::string>& finished);

/// A row for each system and language: mean and deviation over seeds, Wilson's interval, and all seeds' values.
std::string scores_csv(const AllScores& scores);
/// A row for each comparison of each claim.
std::string claims_csv(std::span<const JudgedClaim> claims);

/// A comparison in words: the advantage or measure with its interval and p, and in how many seeds it is above the
/// bound.
std::string comparison_text(const JudgedComparison& comparison, const JudgedClaim& claim);

/// How many of the plan's stages are finished; empty if all are.
std::string unfinished_text(const Plan& plan, const std::set<std::string>& finished);

/// report.md: the scores, the claims with their verdicts, and the paper's own figures. Scores of the plan that are not
/// there are named as not run.
std::string report_text(const Plan& plan, const std::set<std::string>& finished, const AllScores& scores,
                        std::span<const JudgedClaim> judged);

}  // namespace multipl_moe::reproduce
