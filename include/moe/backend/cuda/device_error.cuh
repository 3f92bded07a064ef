#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

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
      : text_("[Cuda] out of device memory: " + std::to_string(wanted) + " bytes were requested, " +
              std::to_string(free) + " of " + std::to_string(total) + " are free") {}
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

namespace gpu {

/// Throws DeviceError unless `status` is success.
inline void check(cudaError_t status, std::string_view where) {
  if (status == cudaSuccess) return;
  // Clears the error; otherwise the next cudaGetLastError() would return it.
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
