/// The subcommands learn and report, which need the program multipl_moe.
#pragma once

#include <stdexcept>
#include <string>

#include "bench/command.hpp"

namespace moe_bench {

/// An error with which a command ends the program.
class CommandFailed : public std::runtime_error {
 public:
  CommandFailed(int exit_code, const std::string& message) : std::runtime_error(message), exit_code_(exit_code) {}
  int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

/// Trains a small model with each strategy. Its run throws CommandFailed.
Command add_learn_command(CLI::App& program);
/// Writes a page from the record of learn. Its run throws CommandFailed.
Command add_report_command(CLI::App& program);

}  // namespace moe_bench
