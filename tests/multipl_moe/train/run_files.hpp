/// What two runs are compared by: metrics and checkpoints.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "../io/scratch.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/manifest.hpp"

namespace multipl_moe::testing {

/// metrics.jsonl without tokens_per_second, which depends on the clock.
inline std::string metrics_of(const std::filesystem::path& run) {
  std::istringstream lines(get_bytes(run / "metrics.jsonl"));
  std::string text;
  for (std::string line; std::getline(lines, line);) {
    auto json = nlohmann::ordered_json::parse(line);
    json.erase("tokens_per_second");
    text += json.dump() + "\n";
  }
  return text;
}

/// The newest checkpoint's name, and name and hash of each of its files.
inline std::string newest_checkpoint_of(const std::filesystem::path& run) {
  std::string name = get_bytes(run / "checkpoints/LATEST");
  if (!name.empty()) name.pop_back();
  std::string text = name + "\n";
  for (const std::string& file : file_names_in(run / "checkpoints" / name))
    text += std::to_string(hash_of(get_bytes(run / "checkpoints" / name / file))) + " " + file + "\n";
  return text;
}

/// Changes a byte in the middle of a file.
inline void alter(const std::filesystem::path& file) {
  std::string bytes = get_bytes(file);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 0x40);
  put_bytes(file, bytes);
}

inline void truncate(const std::filesystem::path& file) {
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
}

}  // namespace multipl_moe::testing
