/// The text of evaluation.toml.
#pragma once

#include <string>

#include "multipl_moe/cli/evaluate_options.hpp"
#include "multipl_moe/cli/evaluation_problems.hpp"
#include "multipl_moe/cli/program_machine.hpp"

namespace multipl_moe {

/// The flags, and as [record] what else the results depend on: hashes, and, unless `machine` is null because nothing is
/// executed, the compilers and the sandbox. Throws IoError.
std::string evaluation_settings(const EvaluateFlags& flags, const Selection& selection, const ProgramMachine* machine);

}  // namespace multipl_moe
