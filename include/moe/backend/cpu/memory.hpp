#pragma once

#include <algorithm>

#include "moe/backend/cpu/context.hpp"
#include "moe/backend/cpu/pool.hpp"

namespace moe::cpu {

/// Host memory: buffers, upload and download.
template <class Backend>
class MemoryOperations {
  using Context = cpu::Context<Backend>;
  template <class Value>
  using Out = View<Value, Backend>;

 public:
  /// The host can read the backend's memory in place.
  static constexpr bool is_host = true;

  /// Memory of a matrix.
  template <class Value>
  using Buffer = cpu::Buffer<Value>;
  /// Host memory for short lists within one call.
  template <class Value>
  using HostBuffer = cpu::Buffer<Value>;

  /// Copies contiguous row-major host values to a view of the same shape.
  template <class Value>
  static void upload(const Context&, const Value* from, Out<Value> to) {
    for (Index r = 0; r < to.rows; ++r) std::copy_n(from + r * to.cols, to.cols, to.row(r).data);
  }
  /// Copies a view's values to contiguous row-major host memory.
  template <class Value>
  static void download(const Context&, View<const Value, Backend> from, Value* to) {
    for (Index r = 0; r < from.rows; ++r) std::copy_n(from.row(r).data, from.cols, to + r * from.cols);
  }

  /// An asynchronous copy to the host. On the CPU it is complete on construction.
  template <class Value>
  class AsyncCopy {
   public:
    AsyncCopy() = default;
    /// Copies the view's values, contiguous and row-major.
    AsyncCopy(const Context& context, View<const Value, Backend> from) : values_(context, from.size()) {
      download(context, from, values_.data());
    }
    /// The copied values.
    const Value* wait() const { return values_.data(); }

   private:
    HostBuffer<Value> values_;
  };
  /// Copies a view's values to the host; on the CPU the copy is complete on return.
  template <class Value>
  static AsyncCopy<Value> download_async(const Context& context, View<const Value, Backend> from) {
    return {context, from};
  }
};

}  // namespace moe::cpu
