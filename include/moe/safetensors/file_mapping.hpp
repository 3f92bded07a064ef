// A file in the address space of the process, read-only.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "moe/safetensors/errors.hpp"
#include "moe/safetensors/file.hpp"

namespace moe::io {

/// Bytes of a page of memory.
inline std::size_t page_bytes() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

/// A file whose bytes are read where the system caches them: they are no memory of the process, and the system may drop
/// them and read them from the disk again. Reading a byte past the end of a file that was truncated after map() raises
/// SIGBUS.
class FileMapping {
 public:
  FileMapping() = default;
  /// Maps all of `file`. Throws std::bad_alloc if the system grants too few addresses, IoError if it refuses otherwise.
  static FileMapping map(const InputFile& file) {
    FileMapping result;
    if (file.size() == 0) return result;
    void* const start =
        ::mmap(nullptr, static_cast<std::size_t>(file.size()), PROT_READ, MAP_SHARED, file.descriptor(), 0);
    if (start == MAP_FAILED && errno == ENOMEM) throw std::bad_alloc();
    if (start == MAP_FAILED) throw IoError(file.path(), "map", errno);
    result.bytes_ = {static_cast<const std::byte*>(start), static_cast<std::size_t>(file.size())};
    return result;
  }
  /// Leaves the other one empty.
  FileMapping(FileMapping&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  /// Exchanges the two mappings.
  FileMapping& operator=(FileMapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~FileMapping() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }

  /// All bytes of the file.
  std::span<const std::byte> bytes() const noexcept { return bytes_; }

  /// Reads the pages of [first, first + count) into the system's cache, as far as the file and free memory reach. The
  /// bytes may be dropped again at any time.
  void read_ahead(std::size_t first, std::size_t count) const {
    const std::span<const std::byte> pages = pages_of(first, count);
    if (pages.empty()) return;
#ifdef MADV_POPULATE_READ
    if (::madvise(const_cast<std::byte*>(pages.data()), pages.size(), MADV_POPULATE_READ) == 0) return;
#endif
    // Systems without it (Linux before 5.14) read a page when a byte of it is read.
    [[maybe_unused]] volatile std::byte last{};
    for (std::size_t i = 0; i < pages.size(); i += page_bytes()) last = pages[i];
  }

  /// The bytes of the pages of [first, first + count) that are in memory now. To a process that may not write the file,
  /// Linux reports all of them. 0 if the system does not say.
  std::size_t resident_bytes(std::size_t first, std::size_t count) const {
    const std::span<const std::byte> pages = pages_of(first, count);
    if (pages.empty()) return 0;
    std::vector<unsigned char> flags((pages.size() + page_bytes() - 1) / page_bytes());
    if (::mincore(const_cast<std::byte*>(pages.data()), pages.size(), flags.data()) != 0) return 0;
    return page_bytes() * static_cast<std::size_t>(std::count_if(flags.begin(), flags.end(),
                                                                 [](unsigned char page) { return (page & 1) != 0; }));
  }
  /// The same of the whole file.
  std::size_t resident_bytes() const { return resident_bytes(0, bytes_.size()); }

 private:
  /// The part of the pages of [first, first + count) that the file has.
  std::span<const std::byte> pages_of(std::size_t first, std::size_t count) const {
    if (first >= bytes_.size()) return {};
    const std::size_t begin = first / page_bytes() * page_bytes();
    return bytes_.subspan(begin, (std::min)(count, bytes_.size() - first) + first - begin);
  }

  std::span<const std::byte> bytes_;
};

}  // namespace moe::io
