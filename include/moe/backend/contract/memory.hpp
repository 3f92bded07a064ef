#pragma once

#include <concepts>

#include "moe/core/index.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace contract {

/// Context: what a run needs and a layer must not own: threads or stream, memory pool, `layer` (the layer's number in
/// the model), `observer`, `replay`, `phases`. A default one works.
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

/// A backend's Buffer of a type of values.
template <class B, class Value>
using BufferOf = typename B::template Buffer<Value>;
/// A backend's HostBuffer of a type of values.
template <class B, class Value>
using HostBufferOf = typename B::template HostBuffer<Value>;
/// A backend's AsyncCopy of a type of values.
template <class B, class Value>
using AsyncCopyOf = typename B::template AsyncCopy<Value>;

/// Buffer<Value>: memory of a matrix, values undefined. Made from a count of values, or from a context and a count; it
/// then belongs to the context's pool. Default-made it is empty. Moving keeps the address; a copy is spelled copy().
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

/// upload(context, from, to): row-major host values without gaps to a view.
template <class B, class Value>
concept HasUpload = requires(const typename B::Context& context, const Value* from, View<Value, B> to) {
  { B::upload(context, from, to) } -> std::same_as<void>;
};

/// AsyncCopy<Value>: values on their way to the host. Default-made there are none; wait() is where they are.
template <class B, class Value>
concept HasAsyncCopy = requires(const AsyncCopyOf<B, Value>& later) {
  requires std::movable<AsyncCopyOf<B, Value>>;
  AsyncCopyOf<B, Value>();
  { later.wait() } -> std::same_as<const Value*>;
};

/// HostBuffer<Value>: host memory for a short list that the host makes for one call, values undefined.
template <class B, class Value>
concept HasHostBuffer = requires(const typename B::Context& context, Index count, HostBufferOf<B, Value>& buffer,
                                 const HostBufferOf<B, Value>& same) {
  requires std::movable<HostBufferOf<B, Value>>;
  HostBufferOf<B, Value>(context, count);
  { buffer.data() } -> std::same_as<Value*>;
  { same.data() } -> std::same_as<const Value*>;
};

/// download(context, from, to): a view's values to host memory, row-major without gaps. They are there on return.
template <class B, class Value>
concept HasDownload = requires(const typename B::Context& context, View<const Value, B> from, Value* to) {
  { B::download(context, from, to) } -> std::same_as<void>;
};

/// download_async(context, from) -> AsyncCopy<Value>: starts a copy of a view without gaps to the host, and does not
/// wait.
template <class B, class Value>
concept HasDownloadAsync = requires(const typename B::Context& context, View<const Value, B> from) {
  { B::download_async(context, from) } -> std::same_as<AsyncCopyOf<B, Value>>;
};

}  // namespace contract

/// What building a module, walking and counting it asks of a backend: memory that may hold nothing, as that of shape/.
template <class B, class Value>
concept StorageBackend = contract::HasContext<B> && contract::HasIsHost<B> && contract::HasBuffer<B, Value> &&
    contract::HasUpload<B, Value> && contract::HasAsyncCopy<B, Value>;

/// Memory that values go into and come out of.
template <class B, class Value>
concept MemoryBackend = StorageBackend<B, Value> && contract::HasHostBuffer<B, Value> &&
    contract::HasDownload<B, Value> && contract::HasDownloadAsync<B, Value>;

namespace contract {

/// Names what is missing of StorageBackend.
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

/// Names what is missing of MemoryBackend.
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
