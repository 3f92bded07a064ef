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
  /// Maps all of `file`. Throws IoError if the system refuses it.
  static FileMapping map(const InputFile& file) {
    FileMapping result;
    if (file.size() == 0) return result;
    void* const start =
        ::mmap(nullptr, static_cast<std::size_t>(file.size()), PROT_READ, MAP_SHARED, file.descriptor(), 0);
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

  /// Reads [first, first + count) into the system's cache, as far as the file and free memory reach. The bytes may be
  /// dropped again at any time.
  void read_ahead(std::size_t first, std::size_t count) const {
    const std::size_t page = page_bytes(), begin = (std::min)(first, bytes_.size()) / page * page;
    const std::size_t end = count < bytes_.size() - (std::min)(first, bytes_.size()) ? first + count : bytes_.size();
    void* const at = const_cast<std::byte*>(bytes_.data()) + begin;
#ifdef MADV_POPULATE_READ
    if (end > begin && ::madvise(at, end - begin, MADV_POPULATE_READ) == 0) return;
#endif
    // Systems without it (Linux before 5.14) read a page when a byte of it is read.
    [[maybe_unused]] volatile std::byte last{};
    for (std::size_t i = begin; i < end; i += page) last = bytes_[i];
  }

  /// The bytes that are in memory now, in whole pages.
  std::size_t resident_bytes() const {
    if (bytes_.empty()) return 0;
    const std::size_t page = page_bytes();
    std::vector<unsigned char> pages((bytes_.size() + page - 1) / page);
    if (::mincore(const_cast<std::byte*>(bytes_.data()), bytes_.size(), pages.data()) != 0) return 0;
    return page * static_cast<std::size_t>(
                      std::count_if(pages.begin(), pages.end(), [](unsigned char flags) { return (flags & 1) != 0; }));
  }

 private:
  std::span<const std::byte> bytes_;
};

/// Addresses of `bytes` bytes without memory behind them: whatever reads or writes there ends the process at once.
class ReservedAddresses {
 public:
  /// Throws std::bad_alloc if the system refuses it.
  explicit ReservedAddresses(std::size_t bytes) : bytes_(bytes) {
    start_ = ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start_ == MAP_FAILED) throw std::bad_alloc();
  }
  ReservedAddresses(const ReservedAddresses&) = delete;
  ReservedAddresses& operator=(const ReservedAddresses&) = delete;
  ~ReservedAddresses() { ::munmap(start_, bytes_); }

  /// The first address.
  void* start() const noexcept { return start_; }

 private:
  std::size_t bytes_;
  void* start_;
};

}  // namespace moe::io
