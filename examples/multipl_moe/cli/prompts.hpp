#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace multipl_moe {

/// The prompts of a file of lines, each a JSON string or an object whose "prompt" is one; empty lines say nothing.
/// Throws BadFile with the number of the line that is neither and what it is, IoError.
std::vector<std::string> read_prompts(const std::filesystem::path& path);

}  // namespace multipl_moe
