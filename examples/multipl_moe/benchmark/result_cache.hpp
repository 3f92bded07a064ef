/// Results of programs that ran before, found by what they depend on.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "multipl_moe/benchmark/toolchain.hpp"

namespace multipl_moe::benchmark {

/// The hash of a program in results.jsonl: XXH3 in 16 hexadecimal digits.
std::string program_hash(std::string_view program);

/// Hash of everything that a lasting result depends on: language, program, compiler, limits, and whether there is a
/// sandbox.
std::string cache_key(const Toolchain& toolchain, Language language, std::string_view program);

/// A folder with a file for each result. Only OK, SyntaxError and Exception are kept: the others depend on the
/// machine's load.
class ResultCache {
 public:
  /// An empty path keeps nothing.
  explicit ResultCache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Nothing if there is no such file, or if it is damaged.
  std::optional<Result> find(const std::string& key) const;
  /// Throws IoError.
  void store(const std::string& key, const Result& result) const;

 private:
  std::filesystem::path file_of(const std::string& key) const;

  std::filesystem::path folder_;
};

}  // namespace multipl_moe::benchmark
