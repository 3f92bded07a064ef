/// Files that several processes may write at the same time, such as those of a cache.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/file.hpp"

namespace multipl_moe {

/// A hidden sibling of `path` that no other process writes.
inline std::filesystem::path own_partial_path(const std::filesystem::path& path) {
  return path.parent_path() / ("." + path.filename().native() + "." + std::to_string(::getpid()) + ".partial");
}

/// Replaces or creates the file `path`, also while other processes do the same: readers see the complete bytes of one
/// of them. One thread of a process at a time may write to a path. Throws IoError.
inline void write_shared_file(const std::filesystem::path& path, std::string_view bytes) {
  const std::filesystem::path made = own_partial_path(path);
  try {
    CheckedFile file(made, bytes.size());
    file.write(bytes);
    file.close();
    moe::io::rename_to(made, path);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove(made, ignored);
    throw;
  }
  sync_path(moe::io::parent_of(path));
}

}  // namespace multipl_moe
