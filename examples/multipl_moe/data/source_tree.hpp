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
  std::vector<SourceFile> files;                         ///< regular files of a known extension, by path, bytewise
  std::int64_t other_files = 0;                          ///< everything else but folders
  std::int64_t links = 0;                                ///< among other_files: to files and to folders, never followed
  std::map<std::string, std::int64_t> other_extensions;  ///< among other_files: regular ones, "" for those without
  std::int64_t unreadable_folders = 0;
};

/// Walks `folders` and all below them; a link is followed only where it is one of `folders` itself.
/// Throws UsageError where one of them is not a folder.
SourceTree walk_sources(const std::vector<std::filesystem::path>& folders);

/// What was met beside `files`, for the error where nothing was of use: "links 2 (not followed:
/// ...), other files 5 (.txt 3, .md 2)".
std::string describe_others(const SourceTree& tree);

}  // namespace multipl_moe
