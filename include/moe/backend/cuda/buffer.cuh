#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include "moe/core/index.hpp"

namespace moe::gpu {

/// Device memory for `count` values of a trivial type. Created with a context, it belongs to the context's stream: it
/// is used and freed in the order of that stream. Created without one, it is usable as soon as the constructor returns,
/// and is freed when the device is idle.
template <class Value, class Device>
class Buffer {
 public:
  Buffer() = default;
  /// Of no stream, values uninitialized. Throws DeviceOutOfMemory.
  explicit Buffer(Index count) : Buffer(std::shared_ptr<Device>(), count) {}
  /// Of the context's stream, values uninitialized. Throws DeviceOutOfMemory.
  template <class Context>
  requires requires(const Context& context) { context.device; }
  Buffer(const Context& context, Index count) : Buffer(context.device, count) {}
  /// Takes over the other buffer's memory; its address does not change.
  Buffer(Buffer&& other) noexcept { swap(other); }
  /// Releases its own memory and takes over the other's.
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) Device::give(device_.get(), data_);
  }

  /// A copy that belongs to the same stream.
  Buffer copy() const {
    Buffer result(device_, count_);
    if (count_ > 0) Device::copy(device_.get(), result.data_, data_, bytes());
    return result;
  }
  void fill_zero() {
    if (count_ > 0) Device::zero(device_.get(), data_, bytes());
  }
  Value* data() { return data_; }
  const Value* data() const { return data_; }

 private:
  Buffer(std::shared_ptr<Device> device, Index count) : device_(std::move(device)), count_(count) {
    if (count_ == 0) return;
    if (static_cast<std::size_t>(count_) > static_cast<std::size_t>(-1) / 2 / sizeof(Value)) throw std::bad_alloc();
    data_ = static_cast<Value*>(Device::take(device_.get(), bytes()));
  }
  std::size_t bytes() const { return static_cast<std::size_t>(count_) * sizeof(Value); }
  void swap(Buffer& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }

  std::shared_ptr<Device> device_;
  Value* data_ = nullptr;
  Index count_ = 0;
};

/// Host memory for short lists within one call.
template <class Value>
class HostBuffer {
 public:
  HostBuffer() = default;
  /// Values uninitialized.
  template <class Context>
  HostBuffer(const Context&, Index count) : values_(new Value[static_cast<std::size_t>(count)]) {}
  Value* data() { return values_.get(); }
  const Value* data() const { return values_.get(); }

 private:
  std::unique_ptr<Value[]> values_;
};

}  // namespace moe::gpu
