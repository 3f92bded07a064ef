#pragma once

#include <cuda_runtime.h>
#include <thrust/system/cuda/execution_policy.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "moe/backend/cuda/allocate.cuh"
#include "moe/backend/cuda/blas.cuh"
#include "moe/backend/cuda/check.cuh"
#include "moe/backend/cuda/copy_lane.cuh"
#include "moe/backend/cuda/device_count.cuh"
#include "moe/backend/cuda/launch.cuh"
#include "moe/backend/cuda/pinned_transfers.cuh"
#include "moe/backend/cuda/staging.cuh"
#include "moe/core/list_view.hpp"

namespace moe::gpu {

/// The state of one stream of an NVIDIA GPU: stream-ordered memory, cuBLAS, a few additional streams for independent
/// products, pinned memory for short lists. It belongs to the device that is current at construction; that device must
/// be current whenever it is used.
class StreamDevice {
 public:
  using Team = WarpTeam;
  using PinnedTransfer = gpu::PinnedTransfer;
  using PinnedMemory = gpu::PinnedMemory;
  using CopyLane = gpu::CopyLane;
  using Stream = cudaStream_t;

  /// Number of streams that products run on, including the caller's.
  static constexpr int lanes = 4;

  /// Throws DeviceError if there is no GPU, or if it is too old for bfloat16.
  explicit StreamDevice(Stream stream) : stream_(stream) {
    check(cudaDeviceGetDefaultMemPool(&pool_, usable_gpu()), "Cuda");
  }
  StreamDevice(const StreamDevice&) = delete;
  StreamDevice& operator=(const StreamDevice&) = delete;
  ~StreamDevice() {
    // Work that is still queued uses the workspaces and lists that are freed here.
    cudaStreamSynchronize(stream_);
    for (Lane& lane : lanes_) {
      lane.blas.reset();
      if (lane.ended != nullptr) cudaEventDestroy(lane.ended);
      if (lane.stream != nullptr) cudaStreamDestroy(lane.stream);
    }
    if (began_ != nullptr) cudaEventDestroy(began_);
  }

  /// The caller's stream.
  Stream stream() const { return stream_; }

  // --- memory -------------------------------------------------------------------------------------------------------

  /// Allocates in the order of the stream of `self`, or for every stream if `self` is null. Throws DeviceOutOfMemory.
  static void* take(StreamDevice* self, std::size_t bytes) {
    return gpu::allocate(bytes, [&](void** block) {
      return self != nullptr ? cudaMallocFromPoolAsync(block, bytes, self->kept_pool(), self->stream_)
                             : cudaMalloc(block, bytes);
    });
  }
  /// Frees memory from take().
  static void give(StreamDevice* self, void* block) noexcept {
    const auto status = self != nullptr ? cudaFreeAsync(block, self->stream_) : cudaFree(block);
    // A destructor cannot report the error; the next call must not report it as its own.
    if (status != cudaSuccess) static_cast<void>(cudaGetLastError());
  }
  /// Copies within the device.
  static void copy(StreamDevice* self, void* to, const void* from, std::size_t bytes) {
    if (self == nullptr) check(cudaDeviceSynchronize(), "Cuda: a copy");
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_of(self)), "Cuda: a copy");
    if (self == nullptr) check(cudaDeviceSynchronize(), "Cuda: a copy");
  }
  /// Sets all bytes to 0.
  static void zero(StreamDevice* self, void* block, std::size_t bytes) {
    if (self == nullptr) check(cudaDeviceSynchronize(), "Cuda: zeros");
    check(cudaMemsetAsync(block, 0, bytes, stream_of(self)), "Cuda: zeros");
    if (self == nullptr) check(cudaDeviceSynchronize(), "Cuda: zeros");
  }
  /// Copies `rows` rows of `row` bytes, `stride` bytes apart on the device. The host does not wait for short lists.
  void to_device(void* to, std::size_t stride, const void* from, std::size_t row, Index rows) {
    const std::size_t height = static_cast<std::size_t>(rows), bytes = row * height;
    const bool is_short = bytes <= Staging::size;
    if (is_short) from = std::memcpy(staging_.room(stream_, bytes), from, bytes);
    // cudaMemcpy2DAsync limits the length of rows; a single long row must not be subject to that limit.
    check(stride == row || rows == 1
              ? cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream_)
              : cudaMemcpy2DAsync(to, stride, from, row, row, height, cudaMemcpyHostToDevice, stream_),
          "Cuda::upload");
    if (!is_short) check(cudaStreamSynchronize(stream_), "Cuda::upload");
  }
  /// Copies rows to contiguous host memory; the host waits.
  void to_host(void* to, const void* from, std::size_t stride, std::size_t row, Index rows) {
    const std::size_t height = static_cast<std::size_t>(rows);
    check(stride == row || rows == 1
              ? cudaMemcpyAsync(to, from, row * height, cudaMemcpyDeviceToHost, stream_)
              : cudaMemcpy2DAsync(to, row, from, stride, row, height, cudaMemcpyDeviceToHost, stream_),
          "Cuda::download");
    check(cudaStreamSynchronize(stream_), "Cuda::download");
  }

  /// Starts an asynchronous copy of contiguous bytes to the host.
  std::shared_ptr<PinnedTransfer> to_host_async(const void* from, std::size_t bytes) {
    auto arriving = transfers_->room(bytes);
    arriving->begin(from, bytes, stream_);
    return arriving;
  }

  /// A lane of copies beside the stream.
  CopyLane copy_lane() { return CopyLane(stream_); }

  // --- work ---------------------------------------------------------------------------------------------------------

  /// f(i), one thread each.
  template <class F>
  void each(Index count, const F& f) {
    launch_each(stream_, count, f);
  }
  /// f(r, c).
  template <class F>
  void cells(Index row_count, Index cols, const F& f) {
    launch_cells(stream_, row_count, cols, f);
  }
  /// f(r, team), one warp each.
  template <class F>
  void rows(Index count, const F& f) {
    launch_rows(stream_, count, f);
  }
  /// Thrust's execution policy on the stream, with stream-ordered temporary memory; the host does not wait.
  auto policy() { return thrust::cuda::par_nosync(Temporary{this}).on(stream_); }

  // --- independent products ------------------------------------------------------------------------------------------

  /// Begins independent products, after the work enqueued so far. Returns the number of lanes for `count` products.
  int begin_tasks(Index count) {
    if (began_ == nullptr) open_lanes();
    used_ = count < lanes ? static_cast<int>(count) : lanes;
    if (used_ > 1) check(cudaEventRecord(began_, stream_), "Cuda: products");
    for (int i = 1; i < used_; ++i)
      check(cudaStreamWaitEvent(lanes_[static_cast<std::size_t>(i)].stream, began_, 0), "Cuda: products");
    return used_;
  }
  /// Enqueues one product; products of one lane run in order.
  template <class In, class Out>
  void gemm(int lane, const Gemm<In, Out>& task) {
    lanes_[static_cast<std::size_t>(lane)].blas->gemm(task);
  }
  /// Enqueues products of one shape as a batch on the caller's stream, after an upload of the matrices' addresses.
  template <class In, class Out>
  void gemm_batch(ListView<Gemm<In, Out>> tasks) {
    constexpr Index most = static_cast<Index>(Staging::size / (3 * sizeof(void*)));
    if (tasks.size > most) {
      gemm_batch<In, Out>({tasks.data, most});
      return gemm_batch<In, Out>({tasks.data + most, tasks.size - most});
    }
    const std::size_t count = static_cast<std::size_t>(tasks.size), bytes = 3 * count * sizeof(void*);
    void** places = reinterpret_cast<void**>(staging_.room(stream_, bytes));
    for (std::size_t i = 0; i < count; ++i) {
      const Gemm<In, Out>& task = tasks.data[i];
      places[i] = const_cast<In*>(task.a);
      places[count + i] = const_cast<In*>(task.b);
      places[2 * count + i] = task.c;
    }
    const Block<void*> list(this, bytes);
    check(cudaMemcpyAsync(list.data, places, bytes, cudaMemcpyHostToDevice, stream_), "Cuda: products");
    lanes_[0].blas->gemm_batch(tasks.data[0], list.data, list.data + count, list.data + 2 * count, tasks.size);
  }
  /// Orders work that is enqueued from now on after the products.
  void end_tasks() {
    for (int i = 1; i < used_; ++i) {
      Lane& lane = lanes_[static_cast<std::size_t>(i)];
      check(cudaEventRecord(lane.ended, lane.stream), "Cuda: products");
      check(cudaStreamWaitEvent(stream_, lane.ended, 0), "Cuda: products");
    }
    used_ = 0;
  }

  /// Replaces end_tasks() if a product could not be enqueued: the host waits for the products that were.
  void abandon_tasks() noexcept {
    for (int i = 1; i < used_; ++i)
      static_cast<void>(cudaStreamSynchronize(lanes_[static_cast<std::size_t>(i)].stream));
    used_ = 0;
  }

 private:
  struct Lane {
    Stream stream = nullptr;
    cudaEvent_t ended = nullptr;
    std::unique_ptr<Blas> blas;
  };
  /// Memory for one call.
  template <class Value>
  struct Block {
    Block(StreamDevice* self_, std::size_t bytes) : self(self_), data(static_cast<Value*>(take(self_, bytes))) {}
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;
    ~Block() { give(self, data); }
    StreamDevice* self;
    Value* data;
  };
  /// Allocator of Thrust's temporary memory, from the same pool.
  struct Temporary {
    using value_type = char;
    StreamDevice* self;
    char* allocate(std::ptrdiff_t bytes) { return static_cast<char*>(take(self, static_cast<std::size_t>(bytes))); }
    void deallocate(char* block, std::size_t) { give(self, block); }
  };

  /// The current device. Throws DeviceError if there is none that can run the library.
  static int usable_gpu() {
    static_cast<void>(device_count());
    int device = 0, major = 0, minor = 0;
    check(cudaGetDevice(&device), "Cuda");
    check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "Cuda");
    check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device), "Cuda");
    if (major < 8)
      throw DeviceError("[Cuda] the GPU must have compute capability 8.0 or more, device " + std::to_string(device) +
                        " has " + std::to_string(major) + "." + std::to_string(minor));
    return device;
  }
  static Stream stream_of(StreamDevice* self) { return self != nullptr ? self->stream_ : nullptr; }

  /// The device's pool, configured to keep freed memory: repeated steps then make no request to the driver.
  cudaMemPool_t kept_pool() {
    if (!keeps_) {
      std::uint64_t all = ~std::uint64_t{0};
      check(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &all), "Cuda: memory");
      keeps_ = true;
    }
    return pool_;
  }
  void open_lanes() {
    for (int i = 0; i < lanes; ++i) {
      Lane& lane = lanes_[static_cast<std::size_t>(i)];
      if (i > 0 && lane.stream == nullptr)
        check(cudaStreamCreateWithFlags(&lane.stream, cudaStreamNonBlocking), "Cuda: streams");
      if (lane.ended == nullptr) check(cudaEventCreateWithFlags(&lane.ended, cudaEventDisableTiming), "Cuda: streams");
      if (!lane.blas) lane.blas = std::make_unique<Blas>(i > 0 ? lane.stream : stream_);
    }
    check(cudaEventCreateWithFlags(&began_, cudaEventDisableTiming), "Cuda: streams");
  }

  Stream stream_;
  cudaMemPool_t pool_ = nullptr;
  bool keeps_ = false;
  std::array<Lane, lanes> lanes_;
  cudaEvent_t began_ = nullptr;
  int used_ = 0;
  Staging staging_;
  std::shared_ptr<PinnedTransferPool> transfers_ = std::make_shared<PinnedTransferPool>();
};

}  // namespace moe::gpu
