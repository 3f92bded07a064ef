/// Files that programs in the sandbox, which may run as another user, can use.
#pragma once

#include <filesystem>
#include <string_view>

namespace multipl_moe::benchmark {

/// Makes an empty folder in which every user can write; removes what had its name. Throws IoError.
std::filesystem::path make_folder(const std::filesystem::path& path);

/// Writes a file of one run, without waiting for the disk. Throws IoError.
void put_file(const std::filesystem::path& path, std::string_view text);

}  // namespace multipl_moe::benchmark
