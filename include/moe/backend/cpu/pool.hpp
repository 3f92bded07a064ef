#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "moe/core/index.hpp"

namespace moe::cpu {

/// Rows of vectors start on cache lines, so that a result's bits never depend on where the allocator put it.
inline constexpr std::align_val_t alignment{64};

/// Keeps freed blocks for the next request of the same size class: a training step asks for the same blocks every time.
/// A free block holds the list it is in, so that giving one back never needs memory. Threads may share a pool.
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    for (Free* first : free_)
      while (first != nullptr) ::operator delete(std::exchange(first, first->next), alignment);
  }

  /// What lies in the pool for the next request: blocks from the system that are not in use.
  struct Kept {
    /// Blocks, and their bytes together.
    Index blocks = 0, bytes = 0;
  };
  /// The pool's account at this moment.
  Kept kept() const {
    const std::lock_guard lock(mutex_);
    return kept_;
  }

  /// At most an eighth, or 63 bytes, larger than asked for.
  static std::size_t size_class(std::size_t bytes) {
    const std::size_t step = std::max<std::size_t>(64, std::bit_floor(std::max<std::size_t>(bytes, 1)) / 8);
    return (bytes + step - 1) / step * step;
  }
  /// A block of `bytes`, which is a size class. Throws std::bad_alloc when memory is out.
  void* take(std::size_t bytes) {
    {
      const std::lock_guard lock(mutex_);
      if (Free*& first = free_[place(bytes)]; first != nullptr) {
        --kept_.blocks;
        kept_.bytes -= static_cast<Index>(bytes);
        return std::exchange(first, first->next);
      }
    }
    return ::operator new(bytes, alignment);
  }
  /// Takes back a block of `bytes`, its size class. Needs no memory and cannot fail.
  void give(void* block, std::size_t bytes) noexcept {
    const std::lock_guard lock(mutex_);
    Free*& first = free_[place(bytes)];
    first = ::new (block) Free{first};
    ++kept_.blocks;
    kept_.bytes += static_cast<Index>(bytes);
  }

 private:
  struct Free {
    Free* next;
  };
  /// Classes are the multiples of 64 below 512 and from there on eight for each power of two.
  static constexpr std::size_t place(std::size_t bytes) {
    if (bytes < 512) return bytes / 64;
    const auto power = static_cast<std::size_t>(std::bit_width(bytes)) - 1;
    return 8 * (power - 8) + (bytes >> (power - 3)) % 8;
  }

  mutable std::mutex mutex_;
  std::array<Free*, 8 * (std::numeric_limits<std::size_t>::digits - 8)> free_{};
  Kept kept_;
};

/// `count` values of a trivial type, from a pool or from the system; the pool lives as long as its last buffer.
template <class Value>
class Buffer {
 public:
  Buffer() = default;
  /// From the system, values undefined. Throws std::bad_alloc.
  explicit Buffer(Index count) : Buffer(std::shared_ptr<Pool>(), count) {}
  /// From the context's pool, values undefined. Throws std::bad_alloc.
  template <class Context>
  requires requires(const Context& context) { context.pool; }
  Buffer(const Context& context, Index count) : Buffer(context.pool, count) {}
  /// Takes the memory over; the address stays.
  Buffer(Buffer&& other) noexcept { swap(other); }
  /// Gives its own memory back and takes the other's.
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
