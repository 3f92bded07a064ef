#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace multipl_moe {

/// Where the system keeps its files on memory.
struct MemoryFiles {
  std::filesystem::path proc = "/proc";
  std::filesystem::path cgroups = "/sys/fs/cgroup";
};

/// Bytes that this process could take beside what it has: what the system calls available, or less where a control
/// group (version 1 or 2) that the process is in, or one above that, leaves less, or where MOE_MEMORY_LIMIT does, the
/// most that the process may hold in all. Files that a group has cached are free. Empty where neither says anything.
/// Throws UsageError where MOE_MEMORY_LIMIT is no size.
std::optional<std::int64_t> free_memory_bytes(const MemoryFiles& files = {});

/// What something will hold in memory, and what for.
struct MemoryPart {
  std::string_view name;
  std::int64_t bytes = 0;
  /// No setting of the command makes it smaller.
  bool is_fixed = false;
};

std::int64_t total_bytes(std::span<const MemoryPart> parts);

/// Throws OutOfMemory, which names the parts, their sum and what is free, where the sum is not free; with the `advice`
/// where what is not fixed makes the difference. A command asks before it takes the memory: where it is not there the
/// kernel ends some process without a word.
void require_free_memory(std::string_view command, std::span<const MemoryPart> parts, std::string_view advice);

/// Bytes of this process in memory; 0 where the system does not say.
std::int64_t resident_bytes();

}  // namespace multipl_moe
