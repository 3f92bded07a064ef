#pragma once

#include "moe/core/index.hpp"

namespace moe::shape {

/// An empty context.
struct Context {};

/// A buffer without memory.
template <class Value>
class Buffer {
 public:
  Buffer() = default;
  /// Holds nothing.
  explicit Buffer(Index) {}
  /// Holds nothing.
  Buffer(const Context&, Index) {}
  /// Nothing to move.
  Buffer(Buffer&&) noexcept = default;
  /// Nothing to move.
  Buffer& operator=(Buffer&&) noexcept = default;
  Buffer copy() const { return {}; }
  void fill_zero() {}
  Value* data() { return nullptr; }
  const Value* data() const { return nullptr; }
};

/// Memory operations without memory.
class MemoryOperations {
 public:
  /// There is no memory to read.
  static constexpr bool is_host = false;

  /// A buffer without memory.
  template <class Value>
  using Buffer = shape::Buffer<Value>;

  /// A copy without values.
  template <class Value>
  struct AsyncCopy {
    /// Returns null.
    const Value* wait() const { return nullptr; }
  };

  /// Does nothing.
  template <class Value, class To>
  static void upload(const Context&, const Value*, To) {}
};

}  // namespace moe::shape
