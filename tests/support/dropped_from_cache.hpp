/// Files that the system has not cached.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "moe/safetensors/file_mapping.hpp"

namespace moe::testing {

/// Drops a file from the system's cache. Returns false if the file system keeps its files in memory.
inline bool dropped_from_cache(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY);
  ::fsync(file);
  ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  ::close(file);
  return io::FileMapping::map(io::InputFile::open(path)).resident_bytes() == 0;
}

}  // namespace moe::testing
