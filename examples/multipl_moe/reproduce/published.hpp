/// A report without the models it was made of.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "multipl_moe/reproduce/plan.hpp"

namespace multipl_moe::reproduce {

/// Copies the tables, pictures and pages of routing of MultiPL-MoE and its causal form with the plan's first seed from
/// the reproduction in `folder` to `output`, under the same names. Throws IoError, and BadFile for a file of more than
/// 16 MiB.
void copy_shown_routing(const Plan& plan, const std::set<std::string>& finished, const std::filesystem::path& folder,
                        const std::filesystem::path& output);

}  // namespace multipl_moe::reproduce
