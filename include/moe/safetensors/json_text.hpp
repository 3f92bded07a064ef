#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

#include "moe/safetensors/errors.hpp"

namespace moe::io {

/// Throws BadFile if `text` contains a NUL, which the JSON parser would treat as its end.
inline void check_json_bytes(std::string_view text, const std::filesystem::path& path) {
  if (const std::size_t nul = text.find('\0'); nul != text.npos) throw BadFile(path, nul, "must be JSON, found a NUL");
}

}  // namespace moe::io
