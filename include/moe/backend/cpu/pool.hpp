#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include "moe/core/index.hpp"

namespace moe::cpu {

/// Alignment of blocks in bytes: a cache line, so that a result's bits never depend on its address.
inline constexpr std::align_val_t alignment{64};

/// Keeps freed blocks for the next request of the same size class: every training step requests the same blocks. Free
/// blocks form intrusive linked lists, so that returning a block never allocates. Threads may share a pool.
class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    for (Free* first : free_)
      while (first != nullptr) ::operator delete(std::exchange(first, first->next), alignment);
  }

  /// The free blocks that the pool holds for later requests.
  struct Kept {
    /// Number of free blocks, and their total size in bytes.
    Index blocks = 0, bytes = 0;
  };
  /// The free blocks at this moment.
  Kept kept() const {
    const std::lock_guard lock(mutex_);
    return kept_;
  }

  /// `bytes` rounded up to a size class: at most an eighth, or 63 bytes, larger.
  static std::size_t size_class(std::size_t bytes) {
    const std::size_t step = std::max<std::size_t>(64, std::bit_floor(std::max<std::size_t>(bytes, 1)) / 8);
    return (bytes + step - 1) / step * step;
  }
  /// A block of `bytes`, which must be a size class. Throws std::bad_alloc if out of memory.
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
  /// Returns a block of `bytes`, its size class, to the pool. Does not allocate and cannot fail.
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
  /// Index of a size class. Classes are the multiples of 64 below 512 and, from there on, eight per power of two.
  static constexpr std::size_t place(std::size_t bytes) {
    if (bytes < 512) return bytes / 64;
    const auto power = static_cast<std::size_t>(std::bit_width(bytes)) - 1;
    return 8 * (power - 8) + (bytes >> (power - 3)) % 8;
  }

  mutable std::mutex mutex_;
  std::array<Free*, 8 * (std::numeric_limits<std::size_t>::digits - 8)> free_{};
  Kept kept_;
};

/// Memory for `count` values of a trivial type, from a pool, from the system, or of another owner. Pool and owner live
/// as long as their buffers.
template <class Value>
class Buffer {
 public:
  Buffer() = default;
  /// Uses the `count` values at `data`, which belong to `owner`.
  Buffer(Value* data, Index count, std::shared_ptr<const void> owner)
      : owner_(std::move(owner)), data_(data), count_(count) {}
  /// Allocates from the system, all zero. Large memory is zeroed by the system when it is first used. Throws
  /// std::bad_alloc if out of memory.
  static Buffer zeroed(Index count) {
    constexpr Index large = Index{1} << 20;
    if (count < large / static_cast<Index>(sizeof(Value))) {
      Buffer result(count);
      result.fill_zero();
      return result;
    }
    if (static_cast<std::size_t>(count) > static_cast<std::size_t>(-1) / 2 / sizeof(Value)) throw std::bad_alloc();
    const auto margin = static_cast<std::size_t>(alignment);
    void* start = std::calloc(1, static_cast<std::size_t>(count) * sizeof(Value) + margin);
    if (start == nullptr) throw std::bad_alloc();
    std::shared_ptr<const void> owner(start, [](void* memory) { std::free(memory); });
    std::size_t space = static_cast<std::size_t>(count) * sizeof(Value) + margin;
    std::align(margin, static_cast<std::size_t>(count) * sizeof(Value), start, space);
    return Buffer(static_cast<Value*>(start), count, std::move(owner));
  }
  /// Allocates from the system, values uninitialized. Throws std::bad_alloc if out of memory.
  explicit Buffer(Index count) : Buffer(std::shared_ptr<Pool>(), count) {}
  /// Allocates from the context's pool, values uninitialized. Throws std::bad_alloc if out of memory.
  template <class Context>
  requires requires(const Context& context) { context.pool; }
  Buffer(const Context& context, Index count) : Buffer(context.pool, count) {}
  /// Takes over the other buffer's memory; its address does not change.
  Buffer(Buffer&& other) noexcept { swap(other); }
  /// Releases its own memory and takes over the other's.
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Buffer() {
    if (data_ == nullptr || owner_) return;
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
    std::swap(owner_, other.owner_);
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    std::swap(bytes_, other.bytes_);
  }

  std::shared_ptr<Pool> pool_;
  std::shared_ptr<const void> owner_;
  Value* data_ = nullptr;
  Index count_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace moe::cpu
