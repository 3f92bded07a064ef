#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>

#include "moe/backend/cuda/check.cuh"

namespace moe::gpu {

/// Pinned staging memory for uploads of short lists: the source list may be reused at once, and the host does not wait.
/// Two blocks alternate; a block is reused when all copies from it have completed.
class Staging {
 public:
  /// Size of a block in bytes, which is the longest list that fits.
  static constexpr std::size_t size = std::size_t{1} << 20;

  Staging() = default;
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging() {
    for (Half& half : halves_) {
      if (half.copied != nullptr) cudaEventSynchronize(half.copied), cudaEventDestroy(half.copied);
      if (half.data != nullptr) cudaFreeHost(half.data);
    }
  }

  /// Memory for `bytes`, at most `size`. It is not reused before the stream has completed the copy enqueued next.
  std::byte* room(cudaStream_t stream, std::size_t bytes) {
    const std::size_t rounded = (bytes + 15) / 16 * 16;
    if (halves_[now_].data == nullptr) open(halves_[now_]);
    if (used_ + rounded > size) {
      check(cudaEventRecord(halves_[now_].copied, stream), "Cuda::upload");
      now_ = 1 - now_;
      used_ = 0;
      if (halves_[now_].data == nullptr) open(halves_[now_]);
      check(cudaEventSynchronize(halves_[now_].copied), "Cuda::upload");
    }
    std::byte* result = halves_[now_].data + used_;
    used_ += rounded;
    return result;
  }

 private:
  struct Half {
    std::byte* data = nullptr;
    cudaEvent_t copied = nullptr;
  };
  static void open(Half& half) {
    if (half.copied == nullptr) check(cudaEventCreateWithFlags(&half.copied, cudaEventDisableTiming), "Cuda::upload");
    void* memory = nullptr;
    check(cudaMallocHost(&memory, size), "Cuda::upload");
    half.data = static_cast<std::byte*>(memory);
  }

  std::array<Half, 2> halves_;
  std::size_t now_ = 0;
  std::size_t used_ = 0;
};

}  // namespace moe::gpu
