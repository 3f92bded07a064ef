/// The commands that train and that report on it. They need the program multipl_moe.
#pragma once

#include <stdexcept>
#include <string>

#include "bench/command.hpp"

namespace moe_bench {

/// What a command ends the program with.
class CommandFailed : public std::runtime_error {
 public:
  CommandFailed(int exit_code, const std::string& message) : std::runtime_error(message), exit_code_(exit_code) {}
  int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

/// Trains a small model with each strategy. Its run throws CommandFailed.
Command add_learn_command(CLI::App& program);
/// Writes a page about what that wrote down. As the other.
Command add_report_command(CLI::App& program);

}  // namespace moe_bench
