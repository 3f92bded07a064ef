/// Checkpoints that survive a power loss: either the complete old or the complete new checkpoint remains. Only one
/// process at a time may save to a path.
#pragma once

#include <filesystem>
#include <functional>

#include "moe/safetensors/atomic_file.hpp"

namespace multipl_moe {

using moe::io::commit_file;
using moe::io::partial_path;
using moe::io::write_file_atomically;

/// Fills a hidden sibling folder with `fill(folder)`, adds MANIFEST, syncs all files, and renames the sibling to
/// `folder`. An older folder of that name is exchanged with it atomically and then removed. If the file system does not
/// support the exchange, the older folder is renamed aside first; after a kill between the two renames, the next save
/// or recover_folder() restores it.
/// Exceptions of `fill` are passed on and leave the older folder unchanged. Leftovers of killed runs are removed.
/// Missing parent folders are created.
/// Throws Failure if `fill` creates anything but regular files; IoError.
void save_folder_atomically(const std::filesystem::path& folder,
                            const std::function<void(const std::filesystem::path&)>& fill);

/// The same for a folder of folders, which gets no MANIFEST: `fill` makes each part of it durable, as
/// save_folder_atomically() and write_file_atomically() do.
void save_tree_atomically(const std::filesystem::path& folder,
                          const std::function<void(const std::filesystem::path&)>& fill);

/// Fills a hidden folder in `folder` and then moves its files to `folder`, where they replace those of the same names;
/// other files stay. Exceptions of `fill` are passed on and leave `folder` unchanged. Throws IoError.
void save_files_atomically(const std::filesystem::path& folder,
                           const std::function<void(const std::filesystem::path&)>& fill);

/// Removes a folder with its contents. The folder is renamed first, so that it is never incomplete under its own name.
/// Throws IoError.
void remove_folder(const std::filesystem::path& folder);

/// Removes or restores what killed calls of save_folder_atomically(), remove_folder() and write_file_atomically() have
/// left in `parent`. Throws IoError.
void remove_leftovers(const std::filesystem::path& parent);

/// Whether `folder` is missing, or has nothing but what killed calls of write_file_atomically() and remove_folder()
/// have left, which had not begun to matter. Throws IoError.
bool is_unused(const std::filesystem::path& folder);

/// Creates a folder and its missing parents, each durable before the next one is created. Throws IoError.
void create_folders(const std::filesystem::path& path);

/// Restores a folder that was renamed aside when the process was killed between two renames; does nothing otherwise.
/// Throws IoError.
void recover_folder(const std::filesystem::path& folder);

}  // namespace multipl_moe
