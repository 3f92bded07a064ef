/// A folder for one run.
#pragma once

#include <stdlib.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::sandbox {

/// A folder among the temporary files that is removed with its contents. If the process is killed, the next run removes
/// it: see end_leftovers().
class TemporaryFolder {
 public:
  /// `slot` is the name of a slot. Throws IoError.
  explicit TemporaryFolder(const std::string& slot)
      : path_(std::filesystem::temp_directory_path() / (slot + ".XXXXXX")) {
    std::string pattern = path_;
    if (::mkdtemp(pattern.data()) == nullptr) throw IoError(path_, "create", errno);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace multipl_moe::sandbox
