/// Strict parsing of JSON in untrusted files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "moe/safetensors/json_text.hpp"

namespace multipl_moe {

using moe::io::check_json_bytes;

/// A violation of the rules below. `what()` continues a sentence that ends in "must be".
class JsonFault : public std::runtime_error {
 public:
  JsonFault(std::optional<std::uint64_t> offset, const std::string& reason)
      : std::runtime_error(reason), offset_(offset) {}
  /// Where it was detected, in bytes from the start of the text.
  std::optional<std::uint64_t> offset() const noexcept { return offset_; }

 private:
  std::optional<std::uint64_t> offset_;
};

/// Parses `text`, skipping a byte-order mark before it. Throws JsonFault if it is not JSON, if a key occurs twice in an
/// object, for more than 64 levels, and for a NUL.
nlohmann::json parse_strict_json(std::string_view text);
/// The same for the text of the file `path`. Throws BadFile.
nlohmann::json parse_strict_json(std::string_view text, const std::filesystem::path& path);

}  // namespace multipl_moe
