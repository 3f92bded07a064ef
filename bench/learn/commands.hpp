/// The subcommands learn and report, which need the program multipl_moe.
#pragma once

#include "bench/command.hpp"

namespace moe_bench {

/// Trains a small model with each strategy. Its run throws CommandFailed.
Command add_learn_command(CLI::App& program);
/// Writes a page from the record of learn. Its run throws CommandFailed.
Command add_report_command(CLI::App& program);

}  // namespace moe_bench
