#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <memory>

#include "moe/backend/cuda/check.cuh"

namespace moe::gpu {

/// Pinned host memory: copies from and to it run while the host and the device work.
class PinnedMemory {
 public:
  /// Throws PinnedOutOfMemory if the host has not enough memory that can be pinned.
  explicit PinnedMemory(std::size_t bytes) {
    void* data = nullptr;
    const auto status = cudaMallocHost(&data, bytes);
    if (status == cudaErrorMemoryAllocation) {
      static_cast<void>(cudaGetLastError());
      throw PinnedOutOfMemory(bytes);
    }
    check(status, "Cuda: pinned memory");
    data_.reset(static_cast<std::byte*>(data));
  }
  std::byte* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(std::byte* data) const { cudaFreeHost(data); }
  };
  std::unique_ptr<std::byte[], Free> data_;
};

/// A lane of copies between pinned host memory and the device, beside the stream of the work. The copies of a lane run
/// in order. What orders them with the work is after_work() and before_work(), nothing else: until then memory that a
/// copy reads must not be written, and memory that it writes must not be touched.
class CopyLane {
 public:
  /// A lane beside `work`, after the work that is enqueued. Throws DeviceError.
  explicit CopyLane(cudaStream_t work) : work_(work) {
    check(cudaStreamCreateWithFlags(&lane_, cudaStreamNonBlocking), "Cuda: copies");
    const auto status = cudaEventCreateWithFlags(&reached_, cudaEventDisableTiming);
    if (status != cudaSuccess) cudaStreamDestroy(lane_);
    check(status, "Cuda: copies");
    after_work();
  }
  CopyLane(const CopyLane&) = delete;
  CopyLane& operator=(const CopyLane&) = delete;
  /// Waits for the copies: their memory may be freed next.
  ~CopyLane() {
    cudaStreamSynchronize(lane_);
    cudaEventDestroy(reached_);
    cudaStreamDestroy(lane_);
  }

  /// Copies that are enqueued from now on run after the work enqueued so far.
  void after_work() { order(work_, lane_); }
  /// Enqueues a copy from pinned memory to the device.
  void copy_in(void* to, const void* from, std::size_t bytes) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, lane_), "Cuda: copies");
  }
  /// Enqueues a copy from the device to pinned memory.
  void copy_out(void* to, const void* from, std::size_t bytes) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, lane_), "Cuda: copies");
  }
  /// Work that is enqueued from now on runs after the copies enqueued so far.
  void before_work() { order(lane_, work_); }
  /// The host waits for the copies enqueued so far.
  void wait() { check(cudaStreamSynchronize(lane_), "Cuda: copies"); }
  /// Whether the work is that of the context.
  template <class Context>
  bool is_beside(const Context& context) const {
    return context.device->stream() == work_;
  }

 private:
  void order(cudaStream_t first, cudaStream_t second) {
    check(cudaEventRecord(reached_, first), "Cuda: copies");
    check(cudaStreamWaitEvent(second, reached_, 0), "Cuda: copies");
  }

  cudaStream_t work_, lane_ = nullptr;
  cudaEvent_t reached_ = nullptr;
};

}  // namespace moe::gpu
