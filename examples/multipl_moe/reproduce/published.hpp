/// A report without the models it was made of.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "multipl_moe/reproduce/plan.hpp"

namespace multipl_moe::reproduce {

/// Copies what report.html shows of routing from the reproduction in `folder` to `output`, under the same names: the
/// tables, pictures and pages of MultiPL-MoE and its causal form with the plan's first seed. Throws IoError.
void copy_shown_routing(const Plan& plan, const std::set<std::string>& finished, const std::filesystem::path& folder,
                        const std::filesystem::path& output);

}  // namespace multipl_moe::reproduce
