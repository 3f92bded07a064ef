#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "moe/backend/cuda/device_error.cuh"

namespace moe::gpu {

/// Bytes on their way to the host, in pinned memory.
class PinnedTransfer {
 public:
  /// Room for `capacity` bytes.
  explicit PinnedTransfer(std::size_t capacity) : capacity_(capacity) {
    check(cudaMallocHost(&data_, capacity), "Cuda::download_async");
    const auto status = cudaEventCreateWithFlags(&arrived_, cudaEventDisableTiming);
    if (status != cudaSuccess) cudaFreeHost(data_);
    check(status, "Cuda::download_async");
  }
  PinnedTransfer(const PinnedTransfer&) = delete;
  PinnedTransfer& operator=(const PinnedTransfer&) = delete;
  ~PinnedTransfer() {
    // The copy may still be under way when its result is no longer wanted.
    cudaEventSynchronize(arrived_);
    cudaEventDestroy(arrived_);
    cudaFreeHost(data_);
  }

  std::size_t capacity() const { return capacity_; }
  /// Enqueues the copy.
  void begin(const void* from, std::size_t bytes, cudaStream_t stream) {
    check(cudaMemcpyAsync(data_, from, bytes, cudaMemcpyDeviceToHost, stream), "Cuda::download_async");
    check(cudaEventRecord(arrived_, stream), "Cuda::download_async");
  }
  /// Where the bytes are; the host waits for them.
  const void* wait() const {
    check(cudaEventSynchronize(arrived_), "Cuda::download_async");
    return data_;
  }

 private:
  std::size_t capacity_;
  void* data_ = nullptr;
  cudaEvent_t arrived_ = nullptr;
};

/// Keeps what has arrived and is not wanted any more for the next bytes, of any caller of one stream.
class PinnedTransferPool : public std::enable_shared_from_this<PinnedTransferPool> {
 public:
  /// Room for `bytes` that comes back here when its last owner lets it go.
  std::shared_ptr<PinnedTransfer> room(std::size_t bytes) {
    std::unique_ptr<PinnedTransfer> found;
    for (auto& idle : idle_)
      if (idle && idle->capacity() >= bytes) {
        found = std::move(idle);
        break;
      }
    if (!found) {
      // A place to come back to, so that coming back needs no memory.
      idle_.emplace_back();
      found = std::make_unique<PinnedTransfer>(bytes < least ? least : bytes);
    }
    return {found.release(), [home = shared_from_this()](PinnedTransfer* back) { home->take_back(back); }};
  }

 private:
  static constexpr std::size_t least = 4096;

  void take_back(PinnedTransfer* back) {
    for (auto& idle : idle_)
      if (!idle) {
        idle.reset(back);
        return;
      }
    delete back;
  }

  std::vector<std::unique_ptr<PinnedTransfer>> idle_;
};

}  // namespace moe::gpu
