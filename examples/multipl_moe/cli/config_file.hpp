/// Settings in a file: TOML with a section for each command, read by CLI11. What a command line and the environment say
/// goes before it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace multipl_moe {

/// The commands of `program` that do something: those inside groups, such as `tokenizer train`, and not the groups.
std::vector<CLI::App*> commands_of(CLI::App& program);

/// Adds --config and --print-config, which every command of `program` then takes. Call it once all commands are there
/// and know their environment variables.
void add_config_options(CLI::App& program);

/// All settings of a command that was parsed, as a file that --config takes. Throws UsageError where a value cannot be
/// written in one.
std::string settings_text(const CLI::App& command);

}  // namespace multipl_moe
