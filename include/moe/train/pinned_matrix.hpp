#pragma once

#include <cstddef>
#include <memory>

#include "moe/backend/contract/copy_lanes.hpp"
#include "moe/core/index.hpp"

namespace moe {

/// A matrix of `rows` x `cols` values in pinned host memory, row-major and contiguous: what a device's copies read and
/// write beside its work. The host may access the values while no copy of them is enqueued.
template <class Value_, class Backend_>
class PinnedMatrix {
  static_assert(contract::check_copy_lanes<Backend_>());

 public:
  using Value = Value_;
  using Backend = Backend_;

  PinnedMatrix() = default;
  /// Uninitialized. Throws std::bad_alloc if the host has not enough memory that can be pinned.
  PinnedMatrix(Index rows, Index cols) : rows_(rows), cols_(cols) {
    if (!empty())
      memory_ = std::make_unique<typename Backend::PinnedMemory>(static_cast<std::size_t>(size()) * sizeof(Value));
  }

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index size() const { return rows_ * cols_; }
  bool empty() const { return size() == 0; }
  /// Null if there are no values.
  Value* data() { return values(); }
  const Value* data() const { return values(); }

 private:
  Value* values() const { return memory_ ? reinterpret_cast<Value*>(memory_->data()) : nullptr; }

  Index rows_ = 0, cols_ = 0;
  std::unique_ptr<typename Backend::PinnedMemory> memory_;
};

}  // namespace moe
