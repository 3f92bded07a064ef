/// Names of files for names of problems, which may have slashes and any length.
#pragma once

#include <algorithm>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe::benchmark {

/// The longest name; file systems allow 255 bytes, and extensions follow.
inline constexpr std::size_t longest_file_name = 200;

/// `name` without slashes and NULs, which become `_`, cut to whole characters of at most `limit` bytes.
inline std::string plain_file_name(std::string_view name, std::size_t limit = longest_file_name) {
  std::string plain;
  while (!name.empty()) {
    const std::size_t bytes = (std::max)(code_point_bytes(name), std::size_t{1});
    if (plain.size() + bytes > limit) break;
    plain += name.front() == '/' || name.front() == '\0' ? std::string_view("_") : name.substr(0, bytes);
    name.remove_prefix(bytes);
  }
  return plain;
}

/// A file name for each of the names, which differ: a name that is a file name as it stands keeps it, and of others
/// with the same plain name all but the first get `~2`, `~3` and so on.
inline std::vector<std::string> unique_file_names(std::span<const std::string> names) {
  std::set<std::string> taken;
  for (const std::string& name : names)
    if (plain_file_name(name) == name) taken.insert(name);
  std::vector<std::string> unique;
  for (const std::string& name : names) {
    std::string file = plain_file_name(name);
    for (int number = 2; file != name && !taken.insert(file).second; ++number) {
      const std::string end = "~" + std::to_string(number);
      file = plain_file_name(name, longest_file_name - end.size()) + end;
    }
    unique.push_back(std::move(file));
  }
  return unique;
}

}  // namespace multipl_moe::benchmark
