/// `evaluate --check`.
#pragma once

#include "multipl_moe/cli/evaluate_options.hpp"

namespace multipl_moe {

/// Tests sandbox, compilers and, if --benchmark is given, whether its problems can be solved, and prints what was
/// found. Throws Failure, after that, if something is missing or fails; Interrupted.
void run_check(const EvaluateFlags& flags);

}  // namespace multipl_moe
