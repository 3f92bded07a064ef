/// Error types and the exit codes of the program. Messages have the form `[where] rule, values found`; text that comes
/// from a file is escaped in them.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include "moe/safetensors/errors.hpp"

namespace multipl_moe {

using moe::BadFile;        // exit code 3: an input file is invalid
using moe::FileError;      // BadFile or IoError
using moe::IoError;        // exit code 5: the system failed to read or write
using moe::ValueTooLarge;  // exit code 2: a value does not fit the dtype that the user has selected
using moe::io::escaped;

class ProgramError : public std::runtime_error {
 public:
  /// The exit status of the process.
  int exit_code() const noexcept { return exit_code_; }

 protected:
  ProgramError(int exit_code, const std::string& message) : std::runtime_error(message), exit_code_(exit_code) {}

 private:
  int exit_code_;
};

/// Any other error. Exit code 1.
class Failure : public ProgramError {
 public:
  explicit Failure(const std::string& message) : ProgramError(1, message) {}
};

/// The command line or the run's configuration is invalid. Exit code 2.
class UsageError : public ProgramError {
 public:
  explicit UsageError(const std::string& message) : ProgramError(2, message) {}
};

/// Host or device memory ran out. Exit code 4.
class OutOfMemory : public ProgramError {
 public:
  explicit OutOfMemory(const std::string& message) : ProgramError(4, message) {}
};

/// Training stopped because the loss or a gradient was not finite too often. Exit code 6.
class NonFinite : public ProgramError {
 public:
  explicit NonFinite(const std::string& message) : ProgramError(6, message) {}
};

/// An error of another process of the run, with its message and exit code.
class ErrorElsewhere : public ProgramError {
 public:
  ErrorElsewhere(int exit_code, const std::string& message) : ProgramError(exit_code, message) {}
};

/// The exit code of an error of this header; empty for any other.
std::optional<int> exit_code_of(const std::exception& error);

}  // namespace multipl_moe
