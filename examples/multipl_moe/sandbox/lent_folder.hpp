/// The folder of a job whose programs run as another user.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>

namespace multipl_moe::sandbox {

/// Gives a folder and everything in it to a user, as long as this object lives; then it is this process's again, and
/// has no special files and no set-user-ID files. Links are not followed.
class LentFolder {
 public:
  /// Throws IoError.
  LentFolder(const std::filesystem::path& folder, ::uid_t user);
  ~LentFolder();
  LentFolder(const LentFolder&) = delete;
  LentFolder& operator=(const LentFolder&) = delete;

 private:
  std::filesystem::path folder_;
};

/// Removes FIFOs, sockets and devices and the set-user-ID and set-group-ID bits of files, and opens folders for their
/// owner. Errors are ignored: what cannot be changed is not this user's.
void remove_special_files(const std::filesystem::path& folder);

/// Lets every user read a folder and everything in it. Throws IoError.
void let_all_read(const std::filesystem::path& folder);

struct FolderSize {
  std::int64_t bytes = 0, entries = 0;
  bool has_closed_folders = false;  ///< that their owner cannot read, so that their files are not counted
};
/// What a folder occupies on its disk. Entries that vanish meanwhile are left out.
FolderSize size_of_folder(const std::filesystem::path& folder);

}  // namespace multipl_moe::sandbox
