/// Restricts a model to its own files: an untrusted folder must not make the program open files elsewhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace multipl_moe {

/// Maximum size in bytes of a model's JSON files with settings, including chat templates.
inline constexpr std::uint64_t largest_config = std::uint64_t{1} << 20;

/// Throws BadFile unless `path`, with every link followed, lies in `folder` or where Hugging Face's cache stores a
/// model's files: links in `snapshots/<revision>` to files directly in the `blobs` beside `snapshots`. After
/// allow_links() a link may lead to any file.
void require_model_file(const std::filesystem::path& folder, const std::filesystem::path& path);

/// Allows links out of models' folders in this process from now on, at the user's request.
void allow_links(bool allowed = true);

/// Reads the whole file `name` of the folder. Throws as require_model_file() and read_whole_file().
std::string read_model_file(const std::filesystem::path& folder, const std::string& name, std::uint64_t limit);

}  // namespace multipl_moe
