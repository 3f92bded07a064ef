#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "moe/backend/cuda/device_error.cuh"

namespace moe::gpu {

/// A block of device memory from `request(&block)`. When there is none, what the device's pool keeps for later is
/// given up and the request made once more. Throws DeviceOutOfMemory, with what is free then.
template <class Request>
void* allocate(std::size_t bytes, const Request& request) {
  void* block = nullptr;
  auto status = request(&block);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    int device = 0;
    cudaMemPool_t pool = nullptr;
    check(cudaDeviceSynchronize(), "Cuda: memory");
    check(cudaGetDevice(&device), "Cuda: memory");
    check(cudaDeviceGetDefaultMemPool(&pool, device), "Cuda: memory");
    check(cudaMemPoolTrimTo(pool, 0), "Cuda: memory");
    status = request(&block);
  }
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    std::size_t free = 0, total = 0;
    static_cast<void>(cudaMemGetInfo(&free, &total));
    throw DeviceOutOfMemory(bytes, free, total);
  }
  check(status, "Cuda: memory");
  return block;
}

}  // namespace moe::gpu
