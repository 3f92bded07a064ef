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

/// The entry of a file in a manifest.
struct FileStamp {
  std::uint64_t hash = 0;  ///< XXH3
  std::uint64_t bytes = 0;

  bool operator==(const FileStamp&) const = default;
};

using FileStamps = std::map<std::string, FileStamp>;

/// Throws BadFile if a line is malformed, or if a name occurs twice or is not a plain file name.
FileStamps parse_manifest(std::string_view text, const std::filesystem::path& path);
/// The text of a manifest. Names must not contain line breaks.
std::string to_text(const FileStamps& stamps);

/// The names of all entries of `folder`, in bytewise order. Throws IoError.
std::set<std::string> file_names_in(const std::filesystem::path& folder);

/// The manifest of `folder`; reads every file, in bytewise order of names. Throws Failure if an entry is not a regular
/// file, is named MANIFEST, or has a line break in its name; IoError.
std::string manifest_of(const std::filesystem::path& folder);

/// XXH3 of a regular file, read in pieces. Throws BadFile, IoError.
std::uint64_t hash_of_file(const std::filesystem::path& path);

/// Compares a saved folder with its MANIFEST. Throws BadFile if MANIFEST is missing or malformed or lists anything but
/// plain files, or if a file is missing, not listed, or has another size or checksum.
void check_manifest(const std::filesystem::path& folder);

}  // namespace multipl_moe
