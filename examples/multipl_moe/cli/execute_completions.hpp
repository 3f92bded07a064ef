/// The part of `evaluate` that executes.
#pragma once

#include <vector>

#include "multipl_moe/benchmark/scores.hpp"
#include "multipl_moe/cli/evaluate_options.hpp"
#include "multipl_moe/cli/evaluation_folder.hpp"

namespace multipl_moe {

/// Executes the completions that have no result in `folder` yet, and returns all results. Throws Interrupted.
std::vector<benchmark::Scored> execute_completions(const EvaluateFlags& flags, const benchmark::Toolchain& toolchain,
                                                   const std::vector<benchmark::Problem>& problems,
                                                   const std::vector<benchmark::Completion>& completions,
                                                   EvaluationFolder& folder);

/// For each problem whether no completion can pass: one that has compiled can, the others are tried with a function
/// that aborts. Throws Interrupted.
std::vector<bool> cannot_pass(const EvaluateFlags& flags, const benchmark::Toolchain& toolchain,
                              const std::vector<benchmark::Problem>& problems,
                              const std::vector<benchmark::Scored>& scored);

/// Says how many programs exceeded a time limit, and how many of them also when they ran alone.
void report_timeouts(const std::vector<benchmark::LanguageScores>& scores);

}  // namespace multipl_moe
