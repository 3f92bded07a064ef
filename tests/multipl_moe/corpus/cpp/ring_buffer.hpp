#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace containers {

/// A queue of bounded length; pushing into a full one replaces the oldest element.
template <class T>
class RingBuffer {
 public:
  explicit RingBuffer(std::size_t capacity)
      : slots_(std::make_unique<std::optional<T>[]>(capacity)), capacity_(capacity) {
    if (capacity == 0) throw std::invalid_argument("RingBuffer: capacity must be positive");
  }

  void push(T value) {
    slots_[(first_ + size_) % capacity_] = std::move(value);
    if (size_ < capacity_)
      ++size_;
    else
      first_ = (first_ + 1) % capacity_;
  }

  std::optional<T> pop() {
    if (size_ == 0) return std::nullopt;
    std::optional<T> value = std::exchange(slots_[first_], std::nullopt);
    first_ = (first_ + 1) % capacity_;
    --size_;
    return value;
  }

  const T& operator[](std::size_t index) const {
    if (index >= size_) throw std::out_of_range("RingBuffer: index past the end");
    return *slots_[(first_ + index) % capacity_];
  }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

 private:
  std::unique_ptr<std::optional<T>[]> slots_;
  std::size_t capacity_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

}  // namespace containers
