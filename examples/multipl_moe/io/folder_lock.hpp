#pragma once

#include <filesystem>

#include "multipl_moe/io/file.hpp"

namespace multipl_moe {

/// Exclusive lock of a folder for the lifetime of the object. The system releases it when the process ends, for any
/// reason.
class FolderLock {
 public:
  /// Throws Failure if another process holds the lock of `folder`; IoError.
  explicit FolderLock(const std::filesystem::path& folder);

 private:
  Descriptor folder_;
};

}  // namespace multipl_moe
