/// The part of `evaluate` that generates.
#pragma once

#include <vector>

#include "multipl_moe/cli/evaluate_options.hpp"
#include "multipl_moe/cli/evaluation_folder.hpp"

namespace multipl_moe {

/// Throws UsageError, BadFile or OutOfMemory, before anything is written, if the model cannot complete the problems.
void require_generation(const EvaluateFlags& flags, const std::vector<benchmark::Problem>& problems);

/// Generates the completions that `folder` does not have yet, and returns all. Throws Interrupted.
std::vector<benchmark::Completion> generate_completions(const EvaluateFlags& flags,
                                                        const std::vector<benchmark::Problem>& problems,
                                                        EvaluationFolder& folder);

/// Writes completions.jsonl, in the order of problems and samples, which `completions` has afterwards.
void write_completions(std::vector<benchmark::Completion>& completions, const std::vector<benchmark::Problem>& problems,
                       EvaluationFolder& folder);

}  // namespace multipl_moe
