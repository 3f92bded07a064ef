// Addresses without memory.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <new>

namespace moe::io {

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
