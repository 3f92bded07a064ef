#include <cuda_runtime.h>

#include <moe/cuda.cuh>

#include "bench/gpu_program/timed_operations.hpp"
#include "multipl_moe/model/cuda_model.hpp"

namespace gpu_program {

namespace {

using moe::BFloat16;
using moe::Cuda;

void check(cudaError_t status) { moe::gpu::check(status, "gpu_program"); }

class EventClock {
 public:
  explicit EventClock(cudaStream_t stream) : stream_(stream) {
    check(cudaEventCreate(&begin_));
    check(cudaEventCreate(&end_));
  }
  EventClock(const EventClock&) = delete;
  EventClock& operator=(const EventClock&) = delete;
  ~EventClock() {
    cudaEventDestroy(begin_);
    cudaEventDestroy(end_);
  }
  template <class F>
  double time(const F& f) {
    check(cudaStreamSynchronize(stream_));
    check(cudaEventRecord(begin_, stream_));
    f();
    check(cudaEventRecord(end_, stream_));
    check(cudaEventSynchronize(end_));
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, begin_, end_));
    return 1e-3 * static_cast<double>(milliseconds);
  }

 private:
  cudaStream_t stream_;
  cudaEvent_t begin_ = nullptr, end_ = nullptr;
};

cudaMemPool_t pool_of(int gpu) {
  cudaMemPool_t pool = nullptr;
  check(cudaDeviceGetDefaultMemPool(&pool, gpu));
  return pool;
}
std::int64_t pool_bytes(int gpu, cudaMemPoolAttr which) {
  std::uint64_t bytes = 0;
  check(cudaMemPoolGetAttribute(pool_of(gpu), which, &bytes));
  return static_cast<std::int64_t>(bytes);
}
void forget(int gpu, cudaMemPoolAttr which) {
  std::uint64_t none = 0;
  check(cudaMemPoolSetAttribute(pool_of(gpu), which, &none));
}
std::pair<std::int64_t, std::int64_t> free_and_total() {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total));
  return {static_cast<std::int64_t>(free), static_cast<std::int64_t>(total)};
}

MemoryFound memory_of(int gpu) {
  check(cudaDeviceSynchronize());
  const auto [free, total] = free_and_total();
  const std::int64_t reserved = pool_bytes(gpu, cudaMemPoolAttrReservedMemHigh);
  // Memory outside of the pool is weights, gradients and optimizer state, which stay.
  const std::int64_t outside = total - free - pool_bytes(gpu, cudaMemPoolAttrReservedMemCurrent);
  return {outside + reserved, pool_bytes(gpu, cudaMemPoolAttrUsedMemHigh), reserved};
}

template <class Use>
std::vector<TimedOperation> timed(const Use& use) {
  const Cuda::Context context;
  EventClock clock(context.device->stream());
  TimedOperations<BFloat16, Cuda, EventClock> operations(context, clock, 15);
  return use(operations);
}

}  // namespace

Subject cuda_subject(int index, int threads) {
  check(cudaSetDevice(index));
  Subject subject;
  subject.threads = threads;
  subject.make = [=](const multipl_moe::ModelConfig& config) {
    return multipl_moe::make_cuda_model(config, index, threads, {});
  };
  subject.wait = [] { check(cudaDeviceSynchronize()); };
  subject.free_bytes = [] { return free_and_total().first; };
  subject.memory = [=] { return memory_of(index); };
  subject.forget_peak = [=] {
    check(cudaDeviceSynchronize());
    // Blocks that an earlier model has left would count as reserved.
    check(cudaMemPoolTrimTo(pool_of(index), 0));
    forget(index, cudaMemPoolAttrUsedMemHigh);
    forget(index, cudaMemPoolAttrReservedMemHigh);
  };
  subject.ceilings = [] {
    return timed([](auto& operations) { return operations.ceilings(8192, moe::Index{1} << 30); });
  };
  subject.operations = [](const OperationSizes& sizes) {
    return timed([&](auto& operations) { return operations.of_model(sizes); });
  };
  return subject;
}

}  // namespace gpu_program
