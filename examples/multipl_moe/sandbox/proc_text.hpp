/// Reading the text files of /proc and of control groups.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/file.hpp"

namespace multipl_moe::sandbox {

/// The whole text; empty if the file cannot be read: processes end while they are looked at.
inline std::string proc_text(const std::filesystem::path& file) {
  const Descriptor open(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  if (open.number() < 0) return text;
  std::array<char, 4096> part;
  for (;;) {
    const ::ssize_t read = ::read(open.number(), part.data(), part.size());
    if (read < 0 && errno == EINTR) continue;
    if (read < 0) return {};
    if (read == 0) return text;
    text.append(part.data(), static_cast<std::size_t>(read));
  }
}

/// The parts of `text` between separators, without empty ones. They are views of the text.
inline std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end > 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}
template <std::same_as<std::string> Temporary>
std::vector<std::string_view> split(Temporary&&, char) = delete;

/// The number that `text` begins with, after blanks; 0 if there is none.
inline std::int64_t first_number(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// The number behind `key` in a line such as "oom_kill 3" or "VmSwap:  12 kB"; 0 if there is none.
inline std::int64_t number_after(std::string_view text, std::string_view key) {
  for (const std::string_view line : split(text, '\n'))
    if (line.size() > key.size() && line.starts_with(key) && (line[key.size()] == ' ' || line[key.size()] == ':'))
      return first_number(line.substr(key.size() + 1));
  return 0;
}

}  // namespace multipl_moe::sandbox
