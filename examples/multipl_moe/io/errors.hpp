/// Error types, each with the exit code of the program. Messages have the form `[where] rule, values found`; text that
/// comes from a file is escaped in them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace multipl_moe {

/// `text` made safe for a terminal: control characters and bytes that are not UTF-8 become `\xNN`, a backslash becomes
/// `\\`; text longer than `limit` bytes ends in `...`.
std::string escaped(std::string_view text, std::size_t limit = 200);

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

/// An input file is invalid. Exit code 3.
class BadFile : public ProgramError {
 public:
  BadFile(const std::filesystem::path& path, std::string_view reason);
  /// `offset`: where the violation was detected, in bytes from the start of the file.
  BadFile(const std::filesystem::path& path, std::uint64_t offset, std::string_view reason);

  const std::filesystem::path& path() const noexcept { return path_; }
  std::optional<std::uint64_t> offset() const noexcept { return offset_; }

 private:
  std::filesystem::path path_;
  std::optional<std::uint64_t> offset_;
};

/// Host or device memory ran out. Exit code 4.
class OutOfMemory : public ProgramError {
 public:
  explicit OutOfMemory(const std::string& message) : ProgramError(4, message) {}
};

/// The system failed to read or write. Exit code 5.
class IoError : public ProgramError {
 public:
  /// `action` is a verb ("write"); `error_number` is a value of errno. On a full disk or quota, the message gives
  /// `needed_bytes` (0: unknown) and the free bytes.
  IoError(const std::filesystem::path& path, std::string_view action, int error_number, std::uint64_t needed_bytes = 0);

  int error_number() const noexcept { return error_number_; }

 private:
  int error_number_;
};

/// Training stopped because the loss or a gradient was not finite too often. Exit code 6.
class NonFinite : public ProgramError {
 public:
  explicit NonFinite(const std::string& message) : ProgramError(6, message) {}
};

}  // namespace multipl_moe
