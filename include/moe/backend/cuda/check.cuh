#pragma once

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <string>
#include <string_view>

#include "moe/backend/cuda/errors.cuh"

namespace moe {

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
