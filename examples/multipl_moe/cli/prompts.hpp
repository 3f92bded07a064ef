#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace multipl_moe {

/// The prompts of a file whose lines are JSON strings or objects with a string "prompt"; empty lines are skipped.
/// Throws BadFile for any other line, with its number and what it is; IoError.
std::vector<std::string> read_prompts(const std::filesystem::path& path);

}  // namespace multipl_moe
