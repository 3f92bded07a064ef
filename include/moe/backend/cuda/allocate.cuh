#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "moe/backend/cuda/check.cuh"

namespace moe::gpu {

/// A block of device memory from `request(&block)`. If there is none, the unused memory of the device's pool is
/// released and the request is repeated once. Throws DeviceOutOfMemory, with the free bytes
/// at that time, if that fails.
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
