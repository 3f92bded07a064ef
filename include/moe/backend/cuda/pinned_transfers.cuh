#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "moe/backend/cuda/copy_lane.cuh"
#include "moe/backend/cuda/check.cuh"

namespace moe::gpu {

/// An asynchronous copy to pinned host memory.
class PinnedTransfer {
 public:
  /// Allocates pinned memory for `capacity` bytes. Throws PinnedOutOfMemory or DeviceError if that fails.
  explicit PinnedTransfer(std::size_t capacity) : capacity_(capacity), memory_(capacity) {
    check(cudaEventCreateWithFlags(&arrived_, cudaEventDisableTiming), "Cuda::download_async");
  }
  PinnedTransfer(const PinnedTransfer&) = delete;
  PinnedTransfer& operator=(const PinnedTransfer&) = delete;
  ~PinnedTransfer() {
    // The copy may still be running when its result is no longer needed.
    cudaEventSynchronize(arrived_);
    cudaEventDestroy(arrived_);
  }

  std::size_t capacity() const { return capacity_; }
  /// Enqueues the copy on the stream.
  void begin(const void* from, std::size_t bytes, cudaStream_t stream) {
    check(cudaMemcpyAsync(memory_.data(), from, bytes, cudaMemcpyDeviceToHost, stream), "Cuda::download_async");
    check(cudaEventRecord(arrived_, stream), "Cuda::download_async");
  }
  /// Waits for the copy and returns the address of the bytes.
  const void* wait() const {
    check(cudaEventSynchronize(arrived_), "Cuda::download_async");
    return memory_.data();
  }

 private:
  std::size_t capacity_;
  PinnedMemory memory_;
  cudaEvent_t arrived_ = nullptr;
};

/// Keeps transfers that are no longer used for the next copies, of any caller of one stream.
class PinnedTransferPool : public std::enable_shared_from_this<PinnedTransferPool> {
 public:
  /// A transfer for `bytes`, which returns to the pool when its last owner releases it.
  std::shared_ptr<PinnedTransfer> room(std::size_t bytes) {
    std::unique_ptr<PinnedTransfer> found;
    for (auto& idle : idle_)
      if (idle && idle->capacity() >= bytes) {
        found = std::move(idle);
        break;
      }
    if (!found) {
      // Reserves the slot that the transfer returns to, so that returning it does not allocate.
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
