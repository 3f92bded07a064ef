#include "multipl_moe/io/atomic_folder.hpp"

#include <fcntl.h>
#include <stdio.h>  // renameat2 and RENAME_EXCHANGE are not in <cstdio>'s standard part

#include <cerrno>
#include <cstring>
#include <system_error>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/manifest.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;
using moe::io::parent_of;
using moe::io::remove_tree;
using moe::io::rename_to;

namespace {

fs::path sibling(const fs::path& path, const char* suffix) {
  return path.parent_path() / ("." + path.filename().native() + suffix);
}

constexpr const char* partial_suffix = ".partial";
constexpr const char* previous_suffix = ".previous";
constexpr const char* removed_suffix = ".removed";

fs::path previous_path(const fs::path& path) { return sibling(path, previous_suffix); }

/// A path such as "step/" or "." has no file name of its own; its siblings would be created inside the folder.
fs::path without_slash(const fs::path& path) {
  const fs::path last = path.has_filename() ? path.filename() : path.parent_path().filename();
  if (last == "." || last == "..") return without_slash(fs::weakly_canonical(fs::absolute(path)));
  return path.has_filename() ? path : path.parent_path();
}

void finish_folder(const fs::path& folder) {
  const std::string manifest = manifest_of(folder);
  for (const std::string& name : file_names_in(folder)) sync_path(folder / name);
  CheckedFile file(folder / manifest_name, manifest.size());
  file.write(manifest);
  file.close();
}

/// Renames `made` to `folder`. A folder cannot be renamed over a folder that is not empty.
void put_in_place(const fs::path& made, const fs::path& folder) {
  if (!is_there(folder)) {
    rename_to(made, folder);
    sync_path(parent_of(folder));
    return;
  }
  if (::renameat2(AT_FDCWD, made.c_str(), AT_FDCWD, folder.c_str(), RENAME_EXCHANGE) == 0) {
    sync_path(parent_of(folder));
    remove_tree(made);
    return;
  }
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP) throw IoError(folder, "rename to", errno);
  rename_to(folder, previous_path(folder));
  rename_to(made, folder);
  sync_path(parent_of(folder));
  remove_tree(previous_path(folder));
}

}  // namespace

void create_folders(const fs::path& path) {
  const fs::path folder = without_slash(path);
  std::error_code failed;
  if (folder.empty() || fs::is_directory(folder, failed)) return;
  create_folders(parent_of(folder));
  fs::create_directory(folder, failed);
  if (failed) throw IoError(folder, "create", failed.value());
  sync_path(parent_of(folder));
}

void save_tree_atomically(const fs::path& path, const std::function<void(const fs::path&)>& fill) {
  const fs::path folder = without_slash(path);
  const fs::path made = partial_path(folder);
  create_folders(parent_of(folder));
  recover_folder(folder);
  remove_tree(previous_path(folder));
  remove_tree(made);
  try {
    create_folders(made);
    fill(made);
    sync_path(made);
  } catch (...) {
    // Frees the disk space. The current exception describes the cause better than an error of this call would.
    std::error_code ignored;
    fs::remove_all(made, ignored);
    throw;
  }
  put_in_place(made, folder);
}

void save_folder_atomically(const fs::path& path, const std::function<void(const fs::path&)>& fill) {
  save_tree_atomically(path, [&fill](const fs::path& made) {
    fill(made);
    finish_folder(made);
  });
}

void save_files_atomically(const fs::path& folder, const std::function<void(const fs::path&)>& fill) {
  const fs::path made = partial_path(folder / "files");
  create_folders(folder);
  remove_tree(made);
  try {
    create_folders(made);
    fill(made);
    for (const std::string& name : file_names_in(made)) rename_to(made / name, folder / name);
    sync_path(folder);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(made, ignored);
    throw;
  }
  remove_tree(made);
}

void recover_folder(const fs::path& path) {
  const fs::path folder = without_slash(path);
  const fs::path previous = previous_path(folder);
  if (!is_there(folder) && is_there(previous)) rename_to(previous, folder);
}

void remove_folder(const fs::path& path) {
  const fs::path folder = without_slash(path);
  const fs::path removed = sibling(folder, removed_suffix);
  remove_tree(removed);
  rename_to(folder, removed);
  sync_path(parent_of(folder));
  remove_tree(removed);
}

bool is_unused(const fs::path& folder) {
  if (!is_there(folder)) return true;
  if (!fs::is_directory(folder)) return false;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().native();
    if (!name.starts_with('.') || !(name.ends_with(partial_suffix) || name.ends_with(removed_suffix))) return false;
  }
  return true;
}

void remove_leftovers(const fs::path& parent) {
  for (const std::string& name : file_names_in(parent)) {
    if (!name.starts_with('.')) continue;
    if (name.ends_with(partial_suffix) || name.ends_with(removed_suffix)) remove_tree(parent / name);
    if (!name.ends_with(previous_suffix)) continue;
    recover_folder(parent / name.substr(1, name.size() - 1 - std::strlen(previous_suffix)));
    remove_tree(parent / name);
  }
}

}  // namespace multipl_moe
