/// What can go wrong, as types: each carries the exit code that the program ends with.
/// Messages read `[where] rule, values found`; whatever came from a file is escaped in them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace multipl_moe {

/// `text` fit for a terminal: control characters and bytes that are not UTF-8 become `\xNN`,
/// a backslash becomes `\\`; anything longer than `limit` bytes ends in `...`.
std::string escaped(std::string_view text, std::size_t limit = 200);

class ProgramError : public std::runtime_error {
 public:
  /// The status the process ends with.
  int exit_code() const noexcept { return exit_code_; }

 protected:
  ProgramError(int exit_code, const std::string& message) : std::runtime_error(message), exit_code_(exit_code) {}

 private:
  int exit_code_;
};

/// Anything that has no better name. Exit code 1.
class Failure : public ProgramError {
 public:
  explicit Failure(const std::string& message) : ProgramError(1, message) {}
};

/// The command line or the run's configuration asks for something impossible. Exit code 2.
class UsageError : public ProgramError {
 public:
  explicit UsageError(const std::string& message) : ProgramError(2, message) {}
};

/// An input file that cannot be what it should be. Exit code 3.
class BadFile : public ProgramError {
 public:
  BadFile(const std::filesystem::path& path, std::string_view reason);
  /// `offset`: bytes from the start of the file to where the rule was seen to be broken.
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

/// The system refused to read or write. Exit code 5.
class IoError : public ProgramError {
 public:
  /// `action` reads as a verb ("write"); `error_number` is errno's value. On a full disk or quota
  /// the message names `needed_bytes` (0: unknown) beside the bytes that are free.
  IoError(const std::filesystem::path& path, std::string_view action, int error_number, std::uint64_t needed_bytes = 0);

  int error_number() const noexcept { return error_number_; }

 private:
  int error_number_;
};

/// Training met a loss or a gradient that is not finite too often to go on. Exit code 6.
class NonFinite : public ProgramError {
 public:
  explicit NonFinite(const std::string& message) : ProgramError(6, message) {}
};

}  // namespace multipl_moe
