#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace multipl_moe {

/// Free bytes for a file at `path`, which need not exist; empty if the system does not report them.
std::optional<std::uint64_t> free_disk_bytes(const std::filesystem::path& path);

/// Throws IoError (ENOSPC, with the needed and the free bytes) if fewer than `bytes` are free for `path`. Called before
/// a save writes its first byte, so that a full disk is not detected only after an hour of writing.
void require_free_disk(const std::filesystem::path& path, std::uint64_t bytes);

}  // namespace multipl_moe
