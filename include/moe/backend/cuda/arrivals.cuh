#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "moe/backend/cuda/device_error.cuh"

namespace moe::gpu {

/// Bytes on their way to the host, in pinned memory.
class Arriving {
 public:
  /// Room for `capacity` bytes.
  explicit Arriving(std::size_t capacity) : capacity_(capacity) {
    check(cudaMallocHost(&data_, capacity), "Cuda::download_later");
    const auto status = cudaEventCreateWithFlags(&arrived_, cudaEventDisableTiming);
    if (status != cudaSuccess) cudaFreeHost(data_);
    check(status, "Cuda::download_later");
  }
  Arriving(const Arriving&) = delete;
  Arriving& operator=(const Arriving&) = delete;
  ~Arriving() {
    // The copy may still be under way when its result is no longer wanted.
    cudaEventSynchronize(arrived_);
    cudaEventDestroy(arrived_);
    cudaFreeHost(data_);
  }

  std::size_t capacity() const { return capacity_; }
  /// Enqueues the copy.
  void begin(const void* from, std::size_t bytes, cudaStream_t stream) {
    check(cudaMemcpyAsync(data_, from, bytes, cudaMemcpyDeviceToHost, stream), "Cuda::download_later");
    check(cudaEventRecord(arrived_, stream), "Cuda::download_later");
  }
  /// Where the bytes are; the host waits for them.
  const void* wait() const {
    check(cudaEventSynchronize(arrived_), "Cuda::download_later");
    return data_;
  }

 private:
  std::size_t capacity_;
  void* data_ = nullptr;
  cudaEvent_t arrived_ = nullptr;
};

/// Keeps what has arrived and is not wanted any more for the next bytes, of any caller of one stream.
class Arrivals : public std::enable_shared_from_this<Arrivals> {
 public:
  /// Room for `bytes` that comes back here when its last owner lets it go.
  std::shared_ptr<Arriving> room(std::size_t bytes) {
    std::unique_ptr<Arriving> found;
    for (auto& idle : idle_)
      if (idle && idle->capacity() >= bytes) {
        found = std::move(idle);
        break;
      }
    if (!found) {
      // A place to come back to, so that coming back needs no memory.
      idle_.emplace_back();
      found = std::make_unique<Arriving>(bytes < least ? least : bytes);
    }
    return {found.release(), [home = shared_from_this()](Arriving* back) { home->take_back(back); }};
  }

 private:
  static constexpr std::size_t least = 4096;

  void take_back(Arriving* back) {
    for (auto& idle : idle_)
      if (!idle) {
        idle.reset(back);
        return;
      }
    delete back;
  }

  std::vector<std::unique_ptr<Arriving>> idle_;
};

}  // namespace moe::gpu
