#pragma once

#include <algorithm>

#include "moe/backend/cpu/context.hpp"
#include "moe/backend/cpu/pool.hpp"

namespace moe::cpu {

/// Host memory, and the way of values into it and out of it.
template <class Backend>
class MemoryOperations {
  using Context = cpu::Context<Backend>;
  template <class Value>
  using Out = View<Value, Backend>;

 public:
  /// Its memory can be read in place.
  static constexpr bool is_host = true;

  /// Memory of a matrix.
  template <class Value>
  using Buffer = cpu::Buffer<Value>;
  /// Host memory for one call's short lists.
  template <class Value>
  using HostBuffer = cpu::Buffer<Value>;

  /// Row-major host values, without gaps, to a view of the same shape.
  template <class Value>
  static void upload(const Context&, const Value* from, Out<Value> to) {
    for (Index r = 0; r < to.rows; ++r) std::copy_n(from + r * to.cols, to.cols, to.row(r).data);
  }
  /// A view's values to host memory, row-major without gaps.
  template <class Value>
  static void download(const Context&, View<const Value, Backend> from, Value* to) {
    for (Index r = 0; r < from.rows; ++r) std::copy_n(from.row(r).data, from.cols, to + r * from.cols);
  }

  /// Values that are on their way to the host: on the CPU they are there.
  template <class Value>
  class AsyncCopy {
   public:
    AsyncCopy() = default;
    /// A copy of the view's values, row-major without gaps.
    AsyncCopy(const Context& context, View<const Value, Backend> from) : values_(context, from.size()) {
      download(context, from, values_.data());
    }
    /// Where they are, when they are.
    const Value* wait() const { return values_.data(); }

   private:
    HostBuffer<Value> values_;
  };
  /// A copy of a view's values for the host, which on the CPU is made at once.
  template <class Value>
  static AsyncCopy<Value> download_async(const Context& context, View<const Value, Backend> from) {
    return {context, from};
  }
};

}  // namespace moe::cpu
