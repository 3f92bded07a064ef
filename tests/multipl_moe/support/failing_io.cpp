/// Preloaded into the program before the system's library: the MOE_FAIL_CALL-th call that changes files fails as on a
/// full disk, and so do all later ones if MOE_FAIL_ON is set. The call's name is written to the file MOE_FAIL_LOG.
/// With MOE_FAIL_PATH only calls on paths that contain it count. Files whose path ends in MOE_FAIL_READ cannot be read,
/// as on a damaged disk.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

long numbered(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? 0 : std::atol(text);
}

template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

void log(const char* name) {
  const char* const path = std::getenv("MOE_FAIL_LOG");
  if (path == nullptr) return;
  const int file = real<int(const char*, int, ...)>("open")(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const auto written = real<ssize_t(int, const void*, size_t)>("write")(file, name, std::strlen(name));
  real<int(int)>("close")(written < 0 ? -1 : file);
}

/// The path of an open file; empty if the system does not say.
std::string path_of(int file) {
  char path[4096];
  const auto length = ::readlink(("/proc/self/fd/" + std::to_string(file)).c_str(), path, sizeof path);
  return length > 0 ? std::string(path, static_cast<size_t>(length)) : std::string();
}

bool counts(const std::string& path) {
  static const char* const part = std::getenv("MOE_FAIL_PATH");
  return part == nullptr || path.find(part) != std::string::npos;
}

/// Whether this call must fail.
bool fails(const char* name, const std::string& path) {
  if (!counts(path)) return false;
  static const long wanted = numbered("MOE_FAIL_CALL");
  static const bool for_good = numbered("MOE_FAIL_ON") != 0;
  static std::atomic<long> calls{0};
  const long call = ++calls;
  if (wanted == 0 || (for_good ? call < wanted : call != wanted)) return false;
  if (call == wanted) log(name);
  errno = ENOSPC;
  return true;
}

bool is_damaged(int file) {
  const char* const end = std::getenv("MOE_FAIL_READ");
  if (end == nullptr) return false;
  const std::string path = path_of(file);
  const size_t wanted = std::strlen(end);
  if (path.size() < wanted || path.compare(path.size() - wanted, wanted, end) != 0) return false;
  errno = EIO;
  return true;
}

}  // namespace

extern "C" {

ssize_t pread(int file, void* bytes, size_t count, off_t offset) {
  return is_damaged(file) ? -1 : real<ssize_t(int, void*, size_t, off_t)>("pread")(file, bytes, count, offset);
}

ssize_t write(int file, const void* bytes, size_t count) {
  if (file > STDERR_FILENO && fails("write", path_of(file))) return -1;
  return real<ssize_t(int, const void*, size_t)>("write")(file, bytes, count);
}
int fsync(int file) { return fails("fsync", path_of(file)) ? -1 : real<int(int)>("fsync")(file); }
int rename(const char* from, const char* to) noexcept {
  return fails("rename", to) ? -1 : real<int(const char*, const char*)>("rename")(from, to);
}
int mkdir(const char* path, mode_t mode) noexcept {
  return fails("mkdir", path) ? -1 : real<int(const char*, mode_t)>("mkdir")(path, mode);
}
/// Closes in any case, as the system does.
int close(int file) {
  const int flags = ::fcntl(file, F_GETFL);
  const bool was_written = flags >= 0 && (flags & O_ACCMODE) == O_WRONLY;
  const std::string path = was_written ? path_of(file) : std::string();
  const int result = real<int(int)>("close")(file);
  return was_written && fails("close", path) ? -1 : result;
}
int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    std::va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
    if (fails("open", path)) return -1;
  }
  return real<int(const char*, int, ...)>("open")(path, flags, mode);
}

}  // extern "C"
