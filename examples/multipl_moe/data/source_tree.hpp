#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe {

struct SourceFile {
  std::filesystem::path path;
  Language language;
};

struct SourceTree {
  std::vector<SourceFile> files;  ///< regular files of a known extension, by path, bytewise
  std::int64_t other_files = 0;   ///< everything else but folders: links are never followed
  std::int64_t unreadable_folders = 0;
};

/// Walks `folders` and all below them; a link is followed only where it is one of `folders` itself.
/// Throws UsageError where one of them is not a folder.
SourceTree walk_sources(const std::vector<std::filesystem::path>& folders);

}  // namespace multipl_moe
