/// Which files are a model's: a folder that was packed elsewhere may not make its reader open others.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace multipl_moe {

/// The most bytes of a model's JSON file that holds settings, the template of a conversation among them.
inline constexpr std::uint64_t largest_config = std::uint64_t{1} << 20;

/// Throws BadFile unless `path`, with every link followed, lies in `folder` or where Hugging Face's cache has a model's
/// files: links from `snapshots/<revision>` lead to files directly in the `blobs` beside `snapshots`. After
/// allow_links() any link to a file is followed.
void require_model_file(const std::filesystem::path& folder, const std::filesystem::path& path);

/// A user's word that links out of models' folders are theirs, for this process from now on.
void allow_links(bool allowed = true);

/// The whole of the folder's file `name`. Throws as require_model_file() and read_whole_file().
std::string read_model_file(const std::filesystem::path& folder, const std::string& name, std::uint64_t limit);

}  // namespace multipl_moe
