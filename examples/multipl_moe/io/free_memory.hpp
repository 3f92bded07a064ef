#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace multipl_moe {

/// Locations of the system's files about memory.
struct MemoryFiles {
  std::filesystem::path proc = "/proc";
  std::filesystem::path cgroups = "/sys/fs/cgroup";
};

/// Bytes that this process can still allocate: the minimum of the available memory of the system, the memory left by
/// the process's control group (version 1 or 2) and its ancestors, and MOE_MEMORY_LIMIT (a limit of the whole process)
/// minus the resident memory. Files cached by a group count as free. Empty if none of these is known. Throws UsageError
/// if MOE_MEMORY_LIMIT is not a size.
std::optional<std::int64_t> free_memory_bytes(const MemoryFiles& files = {});

/// A part of the expected memory use of a command.
struct MemoryPart {
  std::string_view name;
  std::int64_t bytes = 0;
  /// Whether no setting of the command makes it smaller.
  bool is_fixed = false;
};

std::int64_t total_bytes(std::span<const MemoryPart> parts);

/// Throws OutOfMemory, which names the parts, their sum and the free memory, if the sum exceeds the free memory. The
/// message ends with `advice` if the fixed parts of one process alone would fit. `processes` of this machine, this one
/// among them, each need the parts and share the free memory. Called before the memory is allocated: without the check,
/// the kernel kills a process without a message.
void require_free_memory(std::string_view command, std::span<const MemoryPart> parts, std::string_view advice,
                         int processes = 1);

/// The same for the memory of `place`, of which `free` bytes are free.
void require_memory_of(std::string_view place, std::int64_t free, std::string_view command,
                       std::span<const MemoryPart> parts, std::string_view advice, int processes = 1);

/// Resident memory of this process in bytes; 0 if the system does not report it.
std::int64_t resident_bytes();

}  // namespace multipl_moe
