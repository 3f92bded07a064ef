// Errors of files. Messages have the form `[path] rule, values found`; text that comes from a file is escaped in them.
#pragma once

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "moe/core/counted.hpp"
#include "moe/core/require.hpp"
#include "moe/safetensors/free_disk.hpp"
#include "moe/safetensors/text.hpp"
#include "moe/safetensors/utf8.hpp"

namespace moe {

namespace io {

namespace detail {

/// C1 controls (U+0080 to U+009F) can move a terminal's cursor as C0 controls can.
inline bool is_control(std::string_view code_point) {
  const auto byte = [code_point](std::size_t i) { return static_cast<unsigned char>(code_point[i]); };
  return code_point.size() == 1 ? byte(0) < 0x20 || byte(0) == 0x7f
                                : code_point.size() == 2 && byte(0) == 0xc2 && byte(1) < 0xa0;
}

}  // namespace detail

/// `text` made safe for a terminal: control characters and bytes that are not UTF-8 become `\xNN`, a backslash becomes
/// `\\`; text longer than `limit` bytes ends in `...`.
inline std::string escaped(std::string_view text, std::size_t limit = 200) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result;
  while (!text.empty()) {
    if (result.size() >= limit) return result + "...";
    const std::size_t bytes = code_point_bytes(text);
    const std::string_view taken = text.substr(0, bytes == 0 ? 1 : bytes);
    if (taken == "\\")
      result += "\\\\";
    else if (bytes == 0 || detail::is_control(taken))
      for (const char byte : taken) {
        result += "\\x";
        result += digits[static_cast<unsigned char>(byte) >> 4];
        result += digits[static_cast<unsigned char>(byte) & 15];
      }
    else
      result += taken;
    text.remove_prefix(taken.size());
  }
  return result;
}

namespace detail {

inline std::string system_message(const std::filesystem::path& path, std::string_view action, int error_number,
                                  std::uint64_t needed_bytes) {
  std::string message =
      text_of('[', escaped(path.native()), "] cannot ", action, ": ", std::generic_category().message(error_number));
  if (error_number != ENOSPC && error_number != EDQUOT && error_number != EFBIG) return message;
  if (needed_bytes > 0) message += text_of("; needed: ", counted(needed_bytes, "bytes"));
  if (const auto free = free_disk_bytes(path)) message += text_of("; free: ", counted(*free, "bytes"));
  return message;
}

}  // namespace detail

}  // namespace io

/// An error of a file: BadFile or IoError.
class FileError : public std::runtime_error {
 public:
  /// The file.
  const std::filesystem::path& path() const noexcept { return path_; }

 protected:
  /// The file and the message.
  FileError(const std::filesystem::path& path, const std::string& message) : std::runtime_error(message), path_(path) {}

 private:
  std::filesystem::path path_;
};

/// An input file is invalid.
class BadFile : public FileError {
 public:
  /// `reason` is the rule and what was found.
  BadFile(const std::filesystem::path& path, std::string_view reason)
      : FileError(path, io::detail::text_of('[', io::escaped(path.native()), "] ", reason)) {}
  /// `offset`: where the violation was detected, in bytes from the start of the file.
  BadFile(const std::filesystem::path& path, std::uint64_t offset, std::string_view reason)
      : FileError(path, io::detail::text_of('[', io::escaped(path.native()), ", byte ", offset, "] ", reason)),
        offset_(offset) {}

  /// Where the violation was detected, in bytes from the start of the file, if it has a place.
  std::optional<std::uint64_t> offset() const noexcept { return offset_; }

 private:
  std::optional<std::uint64_t> offset_;
};

/// The system failed to read or write.
class IoError : public FileError {
 public:
  /// `action` is a verb ("write"); `error_number` is a value of errno. On a full disk or quota, the message gives
  /// `needed_bytes` (0: unknown) and the free bytes.
  IoError(const std::filesystem::path& path, std::string_view action, int error_number, std::uint64_t needed_bytes = 0)
      : FileError(path, io::detail::system_message(path, action, error_number, needed_bytes)),
        action_(action),
        error_number_(error_number),
        needed_bytes_(needed_bytes) {}

  /// The verb of the message.
  const std::string& action() const noexcept { return action_; }
  /// The value of errno.
  int error_number() const noexcept { return error_number_; }
  /// Bytes that the file needs; 0: unknown.
  std::uint64_t needed_bytes() const noexcept { return needed_bytes_; }

 private:
  std::string action_;
  int error_number_;
  std::uint64_t needed_bytes_;
};

/// Thrown instead of writing a file in which a finite value would become infinite.
struct ValueTooLarge : Error {
  using Error::Error;
};

}  // namespace moe
