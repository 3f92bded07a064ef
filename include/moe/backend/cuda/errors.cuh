// Compiled by host compilers too.
#pragma once

#include <cstddef>
#include <new>
#include <stdexcept>
#include <string>

namespace moe {

/// Thrown if the CUDA runtime or cuBLAS reports an error: there is no GPU, it is too old, a kernel failed. The text is
/// `[where] the error as the runtime describes it`.
struct DeviceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown if device memory is exhausted. The caller's state is unchanged; the call works again once memory is free.
class DeviceOutOfMemory : public std::bad_alloc {
 public:
  /// `wanted` bytes were requested while `free` of `total` bytes were free.
  DeviceOutOfMemory(std::size_t wanted, std::size_t free, std::size_t total)
      : wanted_(wanted),
        free_(free),
        total_(total),
        text_("[Cuda] out of device memory: " + std::to_string(wanted) + " bytes were requested, " +
              std::to_string(free) + " of " + std::to_string(total) + " are free") {}
  const char* what() const noexcept override { return text_.c_str(); }

  /// Bytes that were requested.
  std::size_t wanted() const noexcept { return wanted_; }
  /// Bytes that were free.
  std::size_t free() const noexcept { return free_; }
  /// Bytes of all of the device's memory.
  std::size_t total() const noexcept { return total_; }

 private:
  std::size_t wanted_, free_, total_;
  std::string text_;
};

/// Thrown if the host has not enough memory that can be pinned, for copies of a device. The caller's state is
/// unchanged.
class PinnedOutOfMemory : public std::bad_alloc {
 public:
  /// `wanted` bytes were requested.
  explicit PinnedOutOfMemory(std::size_t wanted)
      : wanted_(wanted),
        text_(
            "[Cuda] out of pinned host memory: " + std::to_string(wanted) +
            " bytes were requested; it is memory of the machine that cannot be swapped, limited by what is free and by "
            "the container's limit") {}
  const char* what() const noexcept override { return text_.c_str(); }

  /// Bytes that were requested.
  std::size_t wanted() const noexcept { return wanted_; }

 private:
  std::size_t wanted_;
  std::string text_;
};

}  // namespace moe
