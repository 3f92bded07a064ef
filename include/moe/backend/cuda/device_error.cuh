#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <stdexcept>
#include <string>
#include <string_view>

#include "moe/backend/cuda/out_of_memory.cuh"

namespace moe {

/// Thrown if the CUDA runtime or cuBLAS reports an error: there is no GPU, it is too old, a kernel failed. The text is
/// `[where] the error as the runtime describes it`.
struct DeviceError : std::runtime_error {
  using std::runtime_error::runtime_error;
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
