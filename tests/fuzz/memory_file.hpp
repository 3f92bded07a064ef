/// A file in memory, for parsers that read files.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace multipl_moe::fuzz {

class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes = {}) : number_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (number_ < 0) throw std::runtime_error("cannot create a memory file");
    while (!bytes.empty()) {
      const ::ssize_t wrote = ::write(number_, bytes.data(), bytes.size());
      if (wrote <= 0) throw std::runtime_error("cannot write a memory file");
      bytes.remove_prefix(static_cast<std::size_t>(wrote));
    }
  }
  ~MemoryFile() { ::close(number_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(number_); }

 private:
  int number_;
};

/// The folder for small files that must be written fast: one in memory if the system has one.
inline std::filesystem::path memory_folder() {
  return std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
}

}  // namespace multipl_moe::fuzz
