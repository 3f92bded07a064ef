/// Checkpoints that survive a power cut: after a save returns, either the old or the new one is
/// there, whole. One process at a time may save to a path.
#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

namespace multipl_moe {

/// Fills a hidden sibling folder by `fill(folder)`, adds MANIFEST, syncs everything, and renames it
/// to `folder`; an older folder of that name is exchanged in one step and then removed. Where the
/// file system cannot exchange, the older one is set aside for the moment between two renames, and
/// the next save or recover_folder() puts it back if that moment was the last.
/// What `fill` throws is passed on and leaves the older folder as it was. What a killed run left
/// behind is removed. Missing parent folders are created.
/// Throws Failure where `fill` makes anything but regular files, IoError.
void save_folder_atomically(const std::filesystem::path& folder,
                            const std::function<void(const std::filesystem::path&)>& fill);

/// Removes a folder and all in it; at no moment is there half of it under its name. Throws IoError.
void remove_folder(const std::filesystem::path& folder);

/// Removes or puts back, for every path in `parent`, what a kill in save_folder_atomically(), remove_folder() or
/// write_file_atomically() has left. Throws IoError.
void remove_leftovers(const std::filesystem::path& parent);

/// Creates a folder and those above it that are missing, each durable before the next. Throws IoError.
void create_folders(const std::filesystem::path& path);

/// Puts back a folder that a kill between two renames had set aside; does nothing otherwise.
/// Throws IoError.
void recover_folder(const std::filesystem::path& folder);

/// Replaces or creates the file `path`; readers see the old bytes or the new ones, never a part.
/// Throws IoError.
void write_file_atomically(const std::filesystem::path& path, std::string_view bytes);

/// The hidden sibling in which `path` is made before it gets its name.
std::filesystem::path partial_path(const std::filesystem::path& path);

/// Gives a finished file, already synced, at partial_path(path) its name. Throws IoError.
void commit_file(const std::filesystem::path& path);

}  // namespace multipl_moe
