/// Settings in a file: TOML with a section for each command, read by CLI11. Command line and environment take
/// precedence over it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace multipl_moe {

/// The commands of `program` that can run: those inside groups, such as `tokenizer train`, without the groups.
std::vector<CLI::App*> commands_of(CLI::App& program);

/// Adds --config and --print-config to every command of `program`. Call it after all commands and the names of their
/// environment variables have been added.
void add_config_options(CLI::App& program);

/// All settings of a parsed command, in the format that --config reads. Throws UsageError if a value cannot be written
/// in it.
std::string settings_text(const CLI::App& command);

}  // namespace multipl_moe
