/// The subcommand growth, which draws its picture with code of the program multipl_moe.
#pragma once

#include "bench/command.hpp"

namespace moe_bench {

/// Measures a layer as its sizes grow and writes a page. Its run throws CommandFailed.
Command add_growth_command(CLI::App& program);

}  // namespace moe_bench
