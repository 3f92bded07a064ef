#pragma once

#include <cuda_runtime.h>

#include <string>

#include "moe/backend/cuda/check.cuh"

namespace moe::gpu {

/// Number of GPUs that this process sees, at least 1. Throws DeviceError if there is none that the driver can use.
inline int device_count() {
  int driver = 0, count = 0;
  static_cast<void>(cudaDriverGetVersion(&driver));
  if (driver == 0) throw DeviceError("[Cuda] there is no GPU to run on: no NVIDIA driver is installed");
  const auto status = cudaGetDeviceCount(&count);
  static_cast<void>(cudaGetLastError());
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0))
    throw DeviceError("[Cuda] there is no GPU to run on: the NVIDIA driver finds none");
  if (status != cudaSuccess)
    throw DeviceError(std::string("[Cuda] the GPU cannot be used: ") + cudaGetErrorString(status) +
                      " (the driver supports CUDA " + std::to_string(driver / 1000) + "." +
                      std::to_string(driver % 1000 / 10) + ")");
  return count;
}

}  // namespace moe::gpu
