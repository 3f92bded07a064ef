#include "multipl_moe/io/folder_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

FolderLock::FolderLock(const std::filesystem::path& folder)
    : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (folder_.number() < 0) throw IoError(folder, "open", errno);
  if (::flock(folder_.number(), LOCK_EX | LOCK_NB) == 0) return;
  if (errno == EWOULDBLOCK)
    throw Failure(fmt::format("[{}] only one process at a time may write to a run folder, found another process",
                              escaped(folder.native())));
  // On a file system without locks, the folder is used without one.
  if (errno != ENOLCK && errno != EOPNOTSUPP && errno != ENOSYS) throw IoError(folder, "lock", errno);
}

}  // namespace multipl_moe
