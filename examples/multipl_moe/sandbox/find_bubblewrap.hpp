/// bubblewrap as this machine has it.
#pragma once

#include <filesystem>

#include "multipl_moe/sandbox/arguments.hpp"

namespace multipl_moe::sandbox {

/// Looks for bwrap where packages install it; `wanted`: there instead, if it is not empty. Throws Failure if it is
/// missing or too old.
Isolation find_bubblewrap(const std::filesystem::path& wanted);

}  // namespace multipl_moe::sandbox
