/// Self-tests that passed before, in a cache folder.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "multipl_moe/benchmark/toolchain.hpp"

namespace multipl_moe::benchmark {

/// Hash of everything that the self-test of a language depends on: compilers, sandbox, user, kernel, time limits, and
/// this program, byte for byte.
std::string self_test_key(const Toolchain& toolchain, Language language);

/// A folder with a file for each self-test that passed.
class PassedSelfTests {
 public:
  /// `cache`: as of ResultCache; an empty path keeps nothing.
  explicit PassedSelfTests(const std::filesystem::path& cache);

  /// When it passed, such as "2026-11-30 12:56 UTC". Nothing if there is no such file, or if it is damaged.
  std::optional<std::string> find(const std::string& key) const;
  /// Throws IoError.
  void store(const std::string& key) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace multipl_moe::benchmark
