#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>

namespace moe::io {

/// Free bytes for a file at `path`, which need not exist; empty if the system does not report them.
inline std::optional<std::uint64_t> free_disk_bytes(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  std::error_code failed;
  for (fs::path there = fs::absolute(path, failed); !failed && !there.empty(); there = there.parent_path()) {
    const auto space = fs::space(there, failed);
    if (!failed) return space.available;
    if (there == there.root_path()) break;
    failed.clear();
  }
  return std::nullopt;
}

}  // namespace moe::io
