/// All tables and figures of a reproduction.
#pragma once

#include <filesystem>
#include <vector>

#include "multipl_moe/reproduce/item.hpp"
#include "multipl_moe/reproduce/plan.hpp"
#include "multipl_moe/reproduce/run_scores.hpp"

namespace multipl_moe::reproduce {

/// The items that the plan's runs in `folder` have numbers for, in the order of the report. All stages of `plan` must
/// be finished. Throws BadFile, IoError.
std::vector<Item> all_items(const Plan& plan, const AllScores& scores, const std::filesystem::path& folder);

}  // namespace multipl_moe::reproduce
