#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "moe/core/index.hpp"

namespace moe::cpu {

/// Rows of vectors start on cache lines, so that a result's bits never depend on where the allocator put it.
inline constexpr std::align_val_t alignment{64};

/// Keeps freed blocks for the next request of the same size class: a training step asks for the same blocks every time.
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    for (auto& [bytes, blocks] : free_)
      for (void* block : blocks) ::operator delete(block, alignment);
  }

  /// At most an eighth, or 63 bytes, larger than asked for.
  static std::size_t size_class(std::size_t bytes) {
    const std::size_t step = std::max<std::size_t>(64, std::bit_floor(std::max<std::size_t>(bytes, 1)) / 8);
    return (bytes + step - 1) / step * step;
  }
  void* take(std::size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      auto& blocks = free_[bytes];
      if (!blocks.empty()) {
        void* block = blocks.back();
        blocks.pop_back();
        return block;
      }
      blocks.reserve(blocks.capacity() + 1);
    }
    return ::operator new(bytes, alignment);
  }
  void give(void* block, std::size_t bytes) noexcept {
    try {
      const std::lock_guard lock(mutex_);
      free_[bytes].push_back(block);
    } catch (const std::bad_alloc&) {
      ::operator delete(block, alignment);
    }
  }

 private:
  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;
};

/// `count` values of a trivial type, from a pool or from the system; the pool lives as long as its last buffer.
template <class Value>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(Index count) : Buffer(std::shared_ptr<Pool>(), count) {}
  template <class Context>
  requires requires(const Context& context) { context.pool; }
  Buffer(const Context& context, Index count) : Buffer(context.pool, count) {}
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Buffer() {
    if (data_ == nullptr) return;
    if (pool_)
      pool_->give(data_, bytes_);
    else
      ::operator delete(data_, alignment);
  }

  Buffer copy() const {
    Buffer result(pool_, count_);
    if (count_ > 0) std::memcpy(result.data_, data_, static_cast<std::size_t>(count_) * sizeof(Value));
    return result;
  }
  void fill_zero() {
    if (count_ > 0) std::memset(static_cast<void*>(data_), 0, static_cast<std::size_t>(count_) * sizeof(Value));
  }
  Value* data() { return data_; }
  const Value* data() const { return data_; }

 private:
  Buffer(std::shared_ptr<Pool> pool, Index count) : pool_(std::move(pool)), count_(count) {
    if (count_ == 0) return;
    if (static_cast<std::size_t>(count_) > static_cast<std::size_t>(-1) / 2 / sizeof(Value)) throw std::bad_alloc();
    bytes_ = Pool::size_class(static_cast<std::size_t>(count_) * sizeof(Value));
    data_ = static_cast<Value*>(pool_ ? pool_->take(bytes_) : ::operator new(bytes_, alignment));
  }
  void swap(Buffer& other) noexcept {
    std::swap(pool_, other.pool_);
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    std::swap(bytes_, other.bytes_);
  }

  std::shared_ptr<Pool> pool_;
  Value* data_ = nullptr;
  Index count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace moe::cpu
