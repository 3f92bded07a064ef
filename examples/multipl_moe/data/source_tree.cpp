#include "multipl_moe/data/source_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

void walk_folder(const fs::path& folder, SourceTree& tree, std::vector<fs::path>& waiting) {
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    std::error_code ignored;  // a vanished entry is neither a folder nor a file and is counted as other
    const fs::file_status status = entry->symlink_status(ignored);
    const auto language = language_of(entry->path());
    if (fs::is_directory(status)) {
      waiting.push_back(entry->path());
    } else if (fs::is_regular_file(status) && language) {
      tree.files.push_back({entry->path(), *language});
    } else {
      ++tree.other_files;
      tree.links += fs::is_symlink(status);
      if (fs::is_regular_file(status)) ++tree.other_extensions[entry->path().extension().native()];
    }
  }
  if (failed) ++tree.unreadable_folders;
}

/// The most frequent ones, such as ".txt 3, .md 2, without an extension 1, 4 more kinds".
std::string listed(const std::map<std::string, std::int64_t>& extensions) {
  constexpr std::ptrdiff_t most = 8;
  std::vector<std::pair<std::string, std::int64_t>> by_count(extensions.begin(), extensions.end());
  std::stable_sort(by_count.begin(), by_count.end(),
                   [](const auto& left, const auto& right) { return left.second > right.second; });
  std::vector<std::string> parts;
  for (const auto& [extension, count] : by_count) {
    if (std::ssize(parts) == most) break;
    parts.push_back(fmt::format("{} {}", extension.empty() ? "without an extension" : escaped(extension), count));
  }
  if (std::ssize(by_count) > most)
    parts.push_back(fmt::format("{}", counted(std::ssize(by_count) - most, "more kinds")));
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace

SourceTree walk_sources(const std::vector<fs::path>& folders) {
  SourceTree tree;
  std::vector<fs::path> waiting;
  for (const fs::path& folder : folders) {
    std::error_code failed;
    if (!fs::is_directory(folder, failed))
      throw UsageError(fmt::format("[sources] a source must be a folder, found '{}'", escaped(folder.native())));
    waiting.push_back(folder);
  }
  while (!waiting.empty()) {
    const fs::path folder = std::move(waiting.back());
    waiting.pop_back();
    walk_folder(folder, tree, waiting);
  }
  std::sort(tree.files.begin(), tree.files.end(),
            [](const SourceFile& left, const SourceFile& right) { return left.path.native() < right.path.native(); });
  return tree;
}

std::string describe_others(const SourceTree& tree) {
  std::int64_t regular = 0;
  for (const auto& [extension, count] : tree.other_extensions) regular += count;
  std::vector<std::string> parts;
  if (tree.links > 0)
    parts.push_back(fmt::format("links {} (not followed: give the folder that one leads to)", tree.links));
  if (regular > 0) parts.push_back(fmt::format("other files {} ({})", regular, listed(tree.other_extensions)));
  if (const std::int64_t special = tree.other_files - tree.links - regular; special > 0)
    parts.push_back(fmt::format("special files {}", special));
  if (tree.unreadable_folders > 0)
    parts.push_back(fmt::format("folders that cannot be read {}", tree.unreadable_folders));
  return parts.empty() ? "nothing" : fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace multipl_moe
