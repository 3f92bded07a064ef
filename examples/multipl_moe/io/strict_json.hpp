/// JSON from files that nobody vouches for.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace multipl_moe {

/// Refuses what the parser would not see: a byte order mark, a NUL. Throws BadFile.
void check_json_bytes(std::string_view text, const std::filesystem::path& path);

/// Parses `text` and refuses, beyond what is not JSON: a byte order mark, a key given twice in one
/// object, more than 64 levels. Throws BadFile.
nlohmann::json parse_strict_json(std::string_view text, const std::filesystem::path& path);

}  // namespace multipl_moe
