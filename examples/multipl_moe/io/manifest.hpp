/// MANIFEST of a checkpoint folder: a line `<XXH3, 16 hex digits> <bytes> <name>` for each file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

namespace multipl_moe {

inline constexpr const char* manifest_name = "MANIFEST";

/// What a manifest says of a file.
struct FileStamp {
  std::uint64_t hash = 0;  ///< XXH3
  std::uint64_t bytes = 0;

  bool operator==(const FileStamp&) const = default;
};

using FileStamps = std::map<std::string, FileStamp>;

/// Throws BadFile where a line is malformed, or its name comes twice or is more than a file's own.
FileStamps parse_manifest(std::string_view text, const std::filesystem::path& path);
/// Names must hold no line break.
std::string to_text(const FileStamps& stamps);

/// Everything in `folder`, in bytewise order. Throws IoError.
std::set<std::string> file_names_in(const std::filesystem::path& folder);

/// Reads every file of `folder`, in bytewise order of names. Throws Failure where one is not a
/// regular file or has a line break in its name, IoError.
std::string manifest_of(const std::filesystem::path& folder);

/// XXH3 of a regular file, read in pieces. Throws BadFile, IoError.
std::uint64_t hash_of_file(const std::filesystem::path& path);

/// Compares a saved folder with its MANIFEST. Throws BadFile where that is missing or malformed,
/// names anything but plain files, or a file is missing, not listed, of another size or checksum.
void check_manifest(const std::filesystem::path& folder);

}  // namespace multipl_moe
