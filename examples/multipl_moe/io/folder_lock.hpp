#pragma once

#include <filesystem>

#include "multipl_moe/io/file.hpp"

namespace multipl_moe {

/// Keeps a folder for one process while it lives; the system lets go of it when a process ends, however it ends.
class FolderLock {
 public:
  /// Throws Failure where another process holds `folder`, IoError.
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  Descriptor folder_;
};

}  // namespace multipl_moe
