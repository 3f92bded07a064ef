/// What prepare holds out, for every command that reads sources.
#pragma once

#include <CLI/CLI.hpp>

#include "multipl_moe/data/splits.hpp"

namespace multipl_moe {

/// --dev-fraction and --test-fraction.
void add_held_out_options(CLI::App& command, HeldOut& held_out);

}  // namespace multipl_moe
