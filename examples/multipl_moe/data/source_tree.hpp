#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe {

struct SourceFile {
  std::filesystem::path path;
  Language language;
};

struct SourceTree {
  std::vector<SourceFile> files;  ///< regular files with a known extension, sorted bytewise by path
  std::int64_t other_files = 0;   ///< everything else except folders
  std::int64_t links = 0;         ///< among other_files: to files and to folders, never followed
  std::map<std::string, std::int64_t> other_extensions;  ///< among other_files: regular files by extension, "" for none
  std::int64_t unreadable_folders = 0;
};

/// Walks `folders` recursively; a link is only followed if it is one of `folders` itself. Throws UsageError if one of
/// them is not a folder.
SourceTree walk_sources(const std::vector<std::filesystem::path>& folders);

/// What was found beside `files`, for the error message if no file is usable: "links 2 (not followed: ...), other files
/// 5 (.txt 3, .md 2)".
std::string describe_others(const SourceTree& tree);

}  // namespace multipl_moe
