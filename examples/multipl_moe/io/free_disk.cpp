#include "multipl_moe/io/free_disk.hpp"

#include <cerrno>
#include <system_error>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

std::optional<std::uint64_t> free_disk_bytes(const fs::path& path) {
  std::error_code failed;
  for (fs::path there = fs::absolute(path, failed); !failed && !there.empty(); there = there.parent_path()) {
    const auto space = fs::space(there, failed);
    if (!failed) return space.available;
    if (there == there.root_path()) break;
    failed.clear();
  }
  return std::nullopt;
}

void require_free_disk(const fs::path& path, std::uint64_t bytes) {
  const auto free = free_disk_bytes(path);
  if (free && *free < bytes) throw IoError(path, "save", ENOSPC, bytes);
}

}  // namespace multipl_moe
