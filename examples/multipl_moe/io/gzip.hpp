/// Files that may be compressed with gzip.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace multipl_moe {

/// The text of gzip's `bytes`, which may have several members. Throws BadFile if they are damaged or cut, or if the
/// text would have more than `largest` bytes.
std::string gunzip(std::string_view bytes, const std::filesystem::path& path, std::uint64_t largest);
/// `text` in gzip's format; the same text gives the same bytes.
std::string gzip(std::string_view text);

/// Reads a file of at most `largest` bytes; one whose name ends in ".gz" is expanded. Throws BadFile, IoError.
std::string read_whole_text(const std::filesystem::path& path, std::uint64_t largest);

}  // namespace multipl_moe
