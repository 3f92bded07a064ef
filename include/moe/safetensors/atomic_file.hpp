#pragma once

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/file.hpp"

namespace moe::io {

/// The folder of a file or folder; `.` for a name alone.
inline std::filesystem::path parent_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

/// The path of the hidden sibling that is written before it is renamed to `path`.
inline std::filesystem::path partial_path(const std::filesystem::path& path) {
  return path.parent_path() / ("." + path.filename().native() + ".partial");
}

/// Renames `from` to `to`, which is replaced. Not durable before the folder is synced. Throws IoError.
inline void rename_to(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) throw IoError(to, "rename to", errno);
}

/// Removes a file, or a folder with its contents, if it exists. Throws IoError.
inline void remove_tree(const std::filesystem::path& path) {
  std::error_code failed;
  std::filesystem::remove_all(path, failed);
  if (failed) throw IoError(path, "remove", failed.value());
}

/// Renames the finished and synced file at partial_path(path) to `path`. Throws IoError.
inline void commit_file(const std::filesystem::path& path) {
  rename_to(partial_path(path), path);
  sync_path(parent_of(path));
}

/// Replaces or creates the file `path`. Readers see the complete old or the complete new bytes. Throws IoError.
inline void write_file_atomically(const std::filesystem::path& path, std::string_view bytes) {
  const std::filesystem::path made = partial_path(path);
  try {
    CheckedFile file(made, bytes.size());
    file.write(bytes);
    file.close();
    commit_file(path);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(made, ignored);
    throw;
  }
}

}  // namespace moe::io
