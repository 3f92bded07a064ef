/// The losses of the trainings of a reproduction.
#pragma once

#include <filesystem>
#include <vector>

#include "multipl_moe/reproduce/item.hpp"
#include "multipl_moe/reproduce/plan.hpp"

namespace multipl_moe::reproduce {

/// losses: a panel for the base models and one for the systems of each track, from metrics.jsonl of the plan's runs in
/// `folder`. Empty without trainings. Throws BadFile, IoError.
std::vector<Item> loss_items(const Plan& plan, const std::filesystem::path& folder);

}  // namespace multipl_moe::reproduce
