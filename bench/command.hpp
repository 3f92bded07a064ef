/// The program's subcommands, one file each.
#pragma once

#include <functional>
#include <stdexcept>

namespace CLI {
class App;
}

namespace moe_bench {

/// Thrown for flag values that are well-formed but cannot be used: exit code 2.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A subcommand of the program, and the function that runs it.
struct Command {
  CLI::App* app;
  std::function<void()> run;
};

/// Times layers and their parts and operations.
Command add_layers_command(CLI::App& program);
/// Lists the strategies of the suite.
Command add_list_command(CLI::App& program);
/// Runs strategies side by side.
Command add_run_command(CLI::App& program);

}  // namespace moe_bench
