#include "multipl_moe/sandbox/lent_folder.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::sandbox {

namespace fs = std::filesystem;

namespace {

/// Calls `visit(path, status)` for the folder and everything in it, without following links. A folder is visited before
/// what is in it.
template <class Visit>
void for_each_entry(const fs::path& folder, const Visit& visit) {
  struct stat status {};
  if (::lstat(folder.c_str(), &status) == 0) visit(folder, std::as_const(status));
  std::error_code failed;
  fs::recursive_directory_iterator entries(folder, fs::directory_options::skip_permission_denied, failed);
  for (; !failed && entries != fs::recursive_directory_iterator(); entries.increment(failed))
    if (::lstat(entries->path().c_str(), &status) == 0) visit(entries->path(), std::as_const(status));
}

bool is_plain(const struct stat& status) {
  return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) || S_ISLNK(status.st_mode);
}

}  // namespace

LentFolder::LentFolder(const fs::path& folder, ::uid_t user) : folder_(folder) {
  for_each_entry(folder, [&](const fs::path& path, const struct stat&) {
    if (::lchown(path.c_str(), user, user) != 0) throw IoError(path, "change the owner of", errno);
  });
}

LentFolder::~LentFolder() {
  for_each_entry(folder_, [](const fs::path& path, const struct stat&) {
    [[maybe_unused]] const int failed = ::lchown(path.c_str(), ::geteuid(), ::getegid());
  });
}

void remove_special_files(const fs::path& folder) {
  for_each_entry(folder, [](const fs::path& path, const struct stat& status) {
    if (!is_plain(status))
      ::unlink(path.c_str());
    else if (S_ISDIR(status.st_mode))
      ::chmod(path.c_str(), (status.st_mode & 0777) | S_IRWXU);
    else if (S_ISREG(status.st_mode))
      ::chmod(path.c_str(), status.st_mode & 0777);
  });
}

void let_all_read(const fs::path& folder) {
  for_each_entry(folder, [](const fs::path& path, const struct stat& status) {
    if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return;
    const bool enter = S_ISDIR(status.st_mode) || (status.st_mode & S_IXUSR) != 0;
    const ::mode_t mode = (status.st_mode | (enter ? 0555 : 0444)) & 07777;
    if (mode != (status.st_mode & 07777) && ::chmod(path.c_str(), mode) != 0)
      throw IoError(path, "make readable", errno);
  });
}

FolderSize size_of_folder(const fs::path& folder) {
  FolderSize size;
  for_each_entry(folder, [&](const fs::path&, const struct stat& status) {
    size.bytes += 512 * static_cast<std::int64_t>(status.st_blocks);
    ++size.entries;
    if (S_ISDIR(status.st_mode) && (status.st_mode & S_IRWXU) != S_IRWXU) size.has_closed_folders = true;
  });
  return size;
}

}  // namespace multipl_moe::sandbox
