#pragma once

#include <cstddef>
#include <memory>

#include "moe/backend/cuda/buffer.cuh"
#include "moe/backend/cuda/context.cuh"

namespace moe::gpu {

/// Memory of a device, and the way of values into it and out of it.
template <class Backend, class Device>
class MemoryOperations {
  using Context = gpu::Context<Backend, Device>;
  template <class Value>
  using Out = View<Value, Backend>;

 public:
  /// Its memory is not for the host to read.
  static constexpr bool is_host = false;

  /// Memory of a matrix.
  template <class Value>
  using Buffer = gpu::Buffer<Value, Device>;
  /// Host memory for one call's short lists.
  template <class Value>
  using HostBuffer = gpu::HostBuffer<Value>;

  /// Row-major host values, without gaps, to a view of the same shape.
  template <class Value>
  static void upload(const Context& context, const Value* from, Out<Value> to) {
    if (!to.empty())
      context.device->to_device(to.data, bytes_of<Value>(to.stride), from, bytes_of<Value>(to.cols), to.rows);
  }
  /// A view's values to host memory, row-major without gaps. The host waits for them.
  template <class Value>
  static void download(const Context& context, View<const Value, Backend> from, Value* to) {
    if (!from.empty())
      context.device->to_host(to, from.data, bytes_of<Value>(from.stride), bytes_of<Value>(from.cols), from.rows);
  }

  /// Values that are on their way to the host.
  template <class Value>
  class AsyncCopy {
   public:
    AsyncCopy() = default;
    /// The values of a view without gaps.
    AsyncCopy(const Context& context, View<const Value, Backend> from)
        : arriving_(from.empty() ? nullptr : context.device->to_host_async(from.data, bytes_of<Value>(from.size()))) {}
    /// Where they are; the host waits until they are there.
    const Value* wait() const { return arriving_ ? static_cast<const Value*>(arriving_->wait()) : nullptr; }

   private:
    std::shared_ptr<typename Device::PinnedTransfer> arriving_;
  };
  /// Starts an asynchronous copy to the host of the values of a view without gaps.
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
