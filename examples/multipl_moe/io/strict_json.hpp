/// JSON from files that nobody vouches for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace multipl_moe {

/// What keeps a text from being JSON by the rules below: `what()` reads on after "must be".
class JsonFault : public std::runtime_error {
 public:
  JsonFault(std::optional<std::uint64_t> offset, const std::string& reason)
      : std::runtime_error(reason), offset_(offset) {}
  /// Bytes from the start of the text to where it was seen.
  std::optional<std::uint64_t> offset() const noexcept { return offset_; }

 private:
  std::optional<std::uint64_t> offset_;
};

/// Refuses what the parser would not see: a NUL. Throws BadFile.
void check_json_bytes(std::string_view text, const std::filesystem::path& path);

/// Parses `text`, skips a byte-order mark before it, and refuses, beyond what is not JSON: a key given twice in one
/// object, more than 64 levels, a NUL. Throws JsonFault.
nlohmann::json parse_strict_json(std::string_view text);
/// The same of a file's text. Throws BadFile.
nlohmann::json parse_strict_json(std::string_view text, const std::filesystem::path& path);

}  // namespace multipl_moe
