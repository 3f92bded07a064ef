#include "multipl_moe/io/errors.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/free_disk.hpp"
#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe {

namespace {

/// C1 controls (U+0080 to U+009F) can move a terminal's cursor as C0 controls can.
bool is_control(std::string_view code_point) {
  const auto byte = [code_point](std::size_t i) { return static_cast<unsigned char>(code_point[i]); };
  return code_point.size() == 1 ? byte(0) < 0x20 || byte(0) == 0x7f
                                : code_point.size() == 2 && byte(0) == 0xc2 && byte(1) < 0xa0;
}

std::string system_message(const std::filesystem::path& path, std::string_view action, int error_number,
                           std::uint64_t needed_bytes) {
  std::string message =
      fmt::format("[{}] cannot {}: {}", escaped(path.native()), action, std::generic_category().message(error_number));
  if (error_number != ENOSPC && error_number != EDQUOT && error_number != EFBIG) return message;
  if (needed_bytes > 0) message += fmt::format("; needed: {}", counted(needed_bytes, "bytes"));
  if (const auto free = free_disk_bytes(path)) message += fmt::format("; free: {}", counted(*free, "bytes"));
  return message;
}

}  // namespace

std::string escaped(std::string_view text, std::size_t limit) {
  std::string result;
  while (!text.empty()) {
    if (result.size() >= limit) return result + "...";
    const std::size_t bytes = code_point_bytes(text);
    const std::string_view taken = text.substr(0, bytes == 0 ? 1 : bytes);
    if (taken == "\\")
      result += "\\\\";
    else if (bytes == 0 || is_control(taken))
      for (const char byte : taken) result += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    else
      result += taken;
    text.remove_prefix(taken.size());
  }
  return result;
}

BadFile::BadFile(const std::filesystem::path& path, std::string_view reason)
    : ProgramError(3, fmt::format("[{}] {}", escaped(path.native()), reason)), path_(path) {}

BadFile::BadFile(const std::filesystem::path& path, std::uint64_t offset, std::string_view reason)
    : ProgramError(3, fmt::format("[{}, byte {}] {}", escaped(path.native()), offset, reason)),
      path_(path),
      offset_(offset) {}

IoError::IoError(const std::filesystem::path& path, std::string_view action, int error_number,
                 std::uint64_t needed_bytes)
    : ProgramError(5, system_message(path, action, error_number, needed_bytes)), error_number_(error_number) {}

}  // namespace multipl_moe
