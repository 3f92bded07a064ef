#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace multipl_moe {

/// What a file at `path`, which need not exist, could take; empty where the system does not say.
std::optional<std::uint64_t> free_disk_bytes(const std::filesystem::path& path);

/// Throws IoError (ENOSPC, with the needed and the free bytes) where fewer than `bytes` are free for `path`. A save
/// asks before its first byte, so that a full disk costs no hour of writing.
void require_free_disk(const std::filesystem::path& path, std::uint64_t bytes);

}  // namespace multipl_moe
