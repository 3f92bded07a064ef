/// For the subcommands that need the program multipl_moe: its errors as those of a subcommand.
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <stdexcept>
#include <string>

#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace moe_bench {

/// An error with which a command ends the program.
class CommandFailed : public std::runtime_error {
 public:
  CommandFailed(int exit_code, const std::string& message) : std::runtime_error(message), exit_code_(exit_code) {}
  int exit_code() const noexcept { return exit_code_; }

 private:
  int exit_code_;
};

/// Runs `work` and converts the errors of multipl_moe to CommandFailed with their exit codes.
template <class Work>
void run_as_command(const Work& work) {
  try {
    work();
  } catch (const multipl_moe::Interrupted& interrupted) {
    throw CommandFailed(interrupted.exit_code(), fmt::format("interrupted: {}", interrupted.what()));
  } catch (const std::filesystem::filesystem_error& error) {
    throw CommandFailed(5, multipl_moe::escaped(error.what(), 1000));
  } catch (const std::exception& error) {
    if (const auto exit_code = multipl_moe::exit_code_of(error)) throw CommandFailed(*exit_code, error.what());
    throw;
  }
}

}  // namespace moe_bench
