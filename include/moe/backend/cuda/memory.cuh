#pragma once

#include <cstddef>
#include <memory>

#include "moe/backend/cuda/buffer.cuh"
#include "moe/backend/cuda/context.cuh"

namespace moe::gpu {

/// Device memory: buffers, upload and download.
template <class Backend, class Device>
class MemoryOperations {
  using Context = gpu::Context<Backend, Device>;
  template <class Value>
  using Out = View<Value, Backend>;

 public:
  /// The host cannot read the backend's memory in place.
  static constexpr bool is_host = false;

  /// Memory of a matrix.
  template <class Value>
  using Buffer = gpu::Buffer<Value, Device>;
  /// Host memory for short lists within one call.
  template <class Value>
  using HostBuffer = gpu::HostBuffer<Value>;

  /// Host memory for copies beside the work.
  using PinnedMemory = typename Device::PinnedMemory;
  /// Copies beside the work, see backend/contract/copy_lanes.hpp.
  using CopyLane = typename Device::CopyLane;
  /// A lane of copies beside the context's work, after the work that is enqueued.
  static CopyLane copy_lane(const Context& context) { return context.device->copy_lane(); }

  /// Copies contiguous row-major host values to a view of the same shape.
  template <class Value>
  static void upload(const Context& context, const Value* from, Out<Value> to) {
    if (!to.empty())
      context.device->to_device(to.data, bytes_of<Value>(to.stride), from, bytes_of<Value>(to.cols), to.rows);
  }
  /// Copies a view's values to contiguous row-major host memory. The host waits for the copy.
  template <class Value>
  static void download(const Context& context, View<const Value, Backend> from, Value* to) {
    if (!from.empty())
      context.device->to_host(to, from.data, bytes_of<Value>(from.stride), bytes_of<Value>(from.cols), from.rows);
  }

  /// An asynchronous copy to the host.
  template <class Value>
  class AsyncCopy {
   public:
    AsyncCopy() = default;
    /// Starts the copy of a contiguous view.
    AsyncCopy(const Context& context, View<const Value, Backend> from)
        : arriving_(from.empty() ? nullptr : context.device->to_host_async(from.data, bytes_of<Value>(from.size()))) {}
    /// Waits for the copy and returns the values; null if there are none.
    const Value* wait() const { return arriving_ ? static_cast<const Value*>(arriving_->wait()) : nullptr; }

   private:
    std::shared_ptr<typename Device::PinnedTransfer> arriving_;
  };
  /// Starts an asynchronous copy of a contiguous view to the host.
  template <class Value>
  static AsyncCopy<Value> download_async(const Context& context, View<const Value, Backend> from) {
    return {context, from};
  }

 private:
  template <class Value>
  static std::size_t bytes_of(Index count) {
    return static_cast<std::size_t>(count) * sizeof(Value);
  }
};

}  // namespace moe::gpu
