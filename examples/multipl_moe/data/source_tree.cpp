#include "multipl_moe/data/source_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

void walk_folder(const fs::path& folder, SourceTree& tree, std::vector<fs::path>& waiting) {
  std::error_code failed;
  for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    std::error_code ignored;  // an entry that vanished is neither a folder nor a file: it is counted
    const fs::file_status status = entry->symlink_status(ignored);
    const auto language = language_of(entry->path());
    if (fs::is_directory(status))
      waiting.push_back(entry->path());
    else if (fs::is_regular_file(status) && language)
      tree.files.push_back({entry->path(), *language});
    else
      ++tree.other_files;
  }
  if (failed) ++tree.unreadable_folders;
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

}  // namespace multipl_moe
