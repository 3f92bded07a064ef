#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

namespace moe {

/// Thrown when the CUDA runtime or cuBLAS refuses or fails: there is no GPU, it is too old, a kernel failed. The text
/// reads `[where] what, in the runtime's words`.
struct DeviceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown when the device's memory does not suffice. The caller is as before, and works again when there is memory.
class DeviceOutOfMemory : public std::bad_alloc {
 public:
  /// `wanted` bytes were asked for while `free` of `total` were free.
  DeviceOutOfMemory(std::size_t wanted, std::size_t free, std::size_t total)
      : text_("[Cuda] out of device memory: " + std::to_string(wanted) + " bytes were asked for, " +
              std::to_string(free) + " of " + std::to_string(total) + " are free") {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

namespace gpu {

/// Throws DeviceError for anything but success.
inline void check(cudaError_t status, std::string_view where) {
  if (status == cudaSuccess) return;
  // Otherwise the next call that asks would be told of this one's failure.
  static_cast<void>(cudaGetLastError());
  throw DeviceError("[" + std::string(where) + "] " + cudaGetErrorName(status) + ": " + cudaGetErrorString(status));
}
/// The same for cuBLAS.
inline void check(cublasStatus_t status, std::string_view where) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw DeviceError("[" + std::string(where) + "] " + cublasGetStatusName(status) + ": " +
                    cublasGetStatusString(status));
}

}  // namespace gpu
}  // namespace moe
