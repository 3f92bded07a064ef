#pragma once

#include <concepts>

#include "moe/core/index.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace contract {

/// Context: the state of a run, which a layer must not own: threads or stream, memory pool, `layer` (the layer's number
/// in the model), `observer`, `replay`, `phases`, `ranks`. A default-constructed context works.
template <class B>
concept HasContext = requires {
  typename B::Context;
  requires std::default_initializable<typename B::Context>;
};

/// is_host: whether the host may read the backend's memory in place.
template <class B>
concept HasIsHost = requires {
  requires std::same_as<decltype(B::is_host), const bool>;
};

/// A backend's Buffer of a value type.
template <class B, class Value>
using BufferOf = typename B::template Buffer<Value>;
/// A backend's HostBuffer of a value type.
template <class B, class Value>
using HostBufferOf = typename B::template HostBuffer<Value>;
/// A backend's AsyncCopy of a value type.
template <class B, class Value>
using AsyncCopyOf = typename B::template AsyncCopy<Value>;

/// Buffer<Value>: memory of a matrix, values uninitialized. Constructed from a number of values, or from a context and
/// a number of values; it is then from the context's pool. Default-constructed it is empty. Moving keeps the address;
/// copy() makes a copy.
template <class B, class Value>
concept HasBuffer = requires(const typename B::Context& context, Index count, BufferOf<B, Value>& buffer,
                             const BufferOf<B, Value>& same) {
  requires std::movable<BufferOf<B, Value>>;
  BufferOf<B, Value>();
  BufferOf<B, Value>(count);
  BufferOf<B, Value>(context, count);
  { same.copy() } -> std::same_as<BufferOf<B, Value>>;
  buffer.fill_zero();
  { buffer.data() } -> std::same_as<Value*>;
  { same.data() } -> std::same_as<const Value*>;
};

/// upload(context, from, to): copies contiguous row-major host values to a view.
template <class B, class Value>
concept HasUpload = requires(const typename B::Context& context, const Value* from, View<Value, B> to) {
  { B::upload(context, from, to) } -> std::same_as<void>;
};

/// AsyncCopy<Value>: an asynchronous copy of values to the host. Default-constructed it has no values; wait() waits for
/// the copy and returns the address of the values.
template <class B, class Value>
concept HasAsyncCopy = requires(const AsyncCopyOf<B, Value>& later) {
  requires std::movable<AsyncCopyOf<B, Value>>;
  AsyncCopyOf<B, Value>();
  { later.wait() } -> std::same_as<const Value*>;
};

/// HostBuffer<Value>: host memory for a short list that the host builds for one call, values uninitialized.
template <class B, class Value>
concept HasHostBuffer = requires(const typename B::Context& context, Index count, HostBufferOf<B, Value>& buffer,
                                 const HostBufferOf<B, Value>& same) {
  requires std::movable<HostBufferOf<B, Value>>;
  HostBufferOf<B, Value>(context, count);
  { buffer.data() } -> std::same_as<Value*>;
  { same.data() } -> std::same_as<const Value*>;
};

/// download(context, from, to): copies a view's values to host memory, row-major and contiguous. Complete on return.
template <class B, class Value>
concept HasDownload = requires(const typename B::Context& context, View<const Value, B> from, Value* to) {
  { B::download(context, from, to) } -> std::same_as<void>;
};

/// download_async(context, from) -> AsyncCopy<Value>: starts a copy of a contiguous view to the host, without waiting.
template <class B, class Value>
concept HasDownloadAsync = requires(const typename B::Context& context, View<const Value, B> from) {
  { B::download_async(context, from) } -> std::same_as<AsyncCopyOf<B, Value>>;
};

}  // namespace contract

/// The requirements of building, walking and counting a module: memory, which may have no values, as in shape/.
template <class B, class Value>
concept StorageBackend = contract::HasContext<B> && contract::HasIsHost<B> && contract::HasBuffer<B, Value> &&
    contract::HasUpload<B, Value> && contract::HasAsyncCopy<B, Value>;

/// Memory with copies from and to the host.
template <class B, class Value>
concept MemoryBackend = StorageBackend<B, Value> && contract::HasHostBuffer<B, Value> &&
    contract::HasDownload<B, Value> && contract::HasDownloadAsync<B, Value>;

namespace contract {

/// Names the missing member of StorageBackend.
template <class B, class Value>
constexpr bool check_storage() {
  static_assert(HasContext<B>, "Backend: Context is missing or has no default, see moe/backend/contract/memory.hpp");
  static_assert(HasIsHost<B>, "Backend: is_host is missing or not a bool, see moe/backend/contract/memory.hpp");
  static_assert(HasBuffer<B, Value>,
                "Backend: Buffer<Value> is missing or incomplete, see moe/backend/contract/memory.hpp");
  static_assert(HasUpload<B, Value>,
                "Backend: upload(context, from, to) is missing or has another signature, see "
                "moe/backend/contract/memory.hpp");
  static_assert(HasAsyncCopy<B, Value>,
                "Backend: AsyncCopy<Value> is missing or incomplete, see moe/backend/contract/memory.hpp");
  return StorageBackend<B, Value>;
}

/// Names the missing member of MemoryBackend.
template <class B, class Value>
constexpr bool check_memory() {
  static_assert(check_storage<B, Value>());
  static_assert(HasHostBuffer<B, Value>,
                "Backend: HostBuffer<Value> is missing or incomplete, see moe/backend/contract/memory.hpp");
  static_assert(HasDownload<B, Value>,
                "Backend: download(context, from, to) is missing or has another signature, see "
                "moe/backend/contract/memory.hpp");
  static_assert(HasDownloadAsync<B, Value>,
                "Backend: download_async(context, from) is missing or has another signature, see "
                "moe/backend/contract/memory.hpp");
  return MemoryBackend<B, Value>;
}

}  // namespace contract

}  // namespace moe
