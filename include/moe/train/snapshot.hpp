#pragma once

#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "moe/backend/contract/copy_lanes.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace detail {

/// What takes the place of a device's memory and lanes if the tensors are on the host: copies are made at once.
struct CopiesOnHost {
  class PinnedMemory {
   public:
    explicit PinnedMemory(std::size_t bytes) : bytes_(new std::byte[bytes]) {}
    std::byte* data() const { return bytes_.get(); }

   private:
    std::unique_ptr<std::byte[]> bytes_;
  };
  struct CopyLane {
    void after_work() {}
    void copy_out(void* to, const void* from, std::size_t bytes) { std::memcpy(to, from, bytes); }
    void before_work() {}
    void wait() {}
  };
  template <class Context>
  static CopyLane copy_lane(const Context&) {
    return {};
  }
};

}  // namespace detail

/// A copy of tensors in host memory, which another thread writes to files while training continues. For a device the
/// memory is pinned and the copies are beside its work; for a backend on the host they are made at once. The memory is
/// requested once, for all snapshots of a run.
///
///   Snapshot<Cuda> snapshot(context, sizes_in_bytes);
///   snapshot.begin();                                 between two steps
///   snapshot.copy(0, layer.weight.const_view());      one call for each tensor
///   snapshot.before_work();                           before what changes the tensors: the next optimizer step
///   auto reader = snapshot.finish();                  the host waits for the copies
///   std::thread writer([reader = std::move(reader)] { write(reader.bytes(0)); });
///
/// A snapshot is used by the thread of its context. A Reader may be used and destroyed by any other thread.
template <class Backend>
class Snapshot {
  static constexpr bool can_copy() {
    if constexpr (!Backend::is_host) return contract::check_copy_lanes<Backend>();
    return true;
  }
  static_assert(can_copy());
  using Copies = std::conditional_t<Backend::is_host, detail::CopiesOnHost, Backend>;
  using Context = typename Backend::Context;
  struct Block {
    explicit Block(std::size_t bytes)
        : size(bytes), memory(bytes > 0 ? std::make_unique<typename Copies::PinnedMemory>(bytes) : nullptr) {}
    std::byte* data() const { return memory ? memory->data() : nullptr; }
    std::size_t size;
    std::unique_ptr<typename Copies::PinnedMemory> memory;
  };
  struct Memory {
    std::span<std::byte> of(std::size_t tensor) const {
      require(tensor < blocks.size(), "Snapshot", "it has ", counted(blocks.size(), "tensors"), ", got number ",
              tensor);
      return {blocks[tensor].data(), blocks[tensor].size};
    }
    std::vector<Block> blocks;
    std::atomic<bool> is_read = false;
  };

 public:
  /// Owns the values of one snapshot: until it is destroyed, no other snapshot begins.
  class Reader {
   public:
    /// Takes over the values; the other one has none.
    Reader(Reader&&) noexcept = default;
    /// The same; its own values are given up.
    Reader& operator=(Reader&&) noexcept = default;
    ~Reader() = default;

    /// The values of a tensor. Throws Error if there is none of this number.
    std::span<const std::byte> bytes(std::size_t tensor) const { return memory_->of(tensor); }

   private:
    friend Snapshot;
    struct GiveBack {
      std::shared_ptr<Memory> memory;
      void operator()(Memory* read) const { read->is_read = false; }
    };
    explicit Reader(std::shared_ptr<Memory> memory) : memory_(memory.get(), GiveBack{memory}) {}

    std::unique_ptr<Memory, GiveBack> memory_;
  };

  /// Memory for tensors of these sizes in bytes. Throws std::bad_alloc if the host has not enough memory, for a device
  /// memory that can be pinned.
  Snapshot(const Context& context, std::span<const std::size_t> bytes)
      : memory_(std::make_shared<Memory>()), lane_(Copies::copy_lane(context)) {
    memory_->blocks.reserve(bytes.size());
    for (const std::size_t size : bytes) memory_->blocks.emplace_back(size);
  }

  /// Begins a snapshot of the tensors as the work enqueued so far leaves them. Throws Error while a Reader of the last
  /// one exists.
  void begin() {
    require(!memory_->is_read, "Snapshot", "the last snapshot is still read: wait for its writer before the next one");
    lane_.after_work();
    has_begun_ = true;
  }
  /// Enqueues the copy of a tensor, whose values are contiguous. Throws Error if it has another size, or before
  /// begin().
  template <class Value>
  void copy(std::size_t tensor, View<const Value, Backend> from) {
    const std::span<std::byte> to = place(tensor);
    const auto size = static_cast<std::size_t>(from.size()) * sizeof(Value);
    require(to.size() == size && (from.stride == from.cols || from.rows <= 1), "Snapshot", "tensor ", tensor,
            " must be contiguous and of ", to.size(), " bytes, got ", size);
    if (size > 0) lane_.copy_out(to.data(), from.data, size);
  }
  /// Where the host writes the values of a tensor that is in its own memory, such as those of AdamWState::read. Throws
  /// Error if there is no tensor of this number, or before begin().
  std::span<std::byte> place(std::size_t tensor) {
    require_begun();
    return memory_->of(tensor);
  }
  /// Work that is enqueued from now on runs after the copies, so that it may change the tensors.
  void before_work() { lane_.before_work(); }
  /// The host waits for the copies. Returns the owner of the values. Throws Error before begin().
  Reader finish() {
    require_begun();
    lane_.wait();
    has_begun_ = false;
    memory_->is_read = true;
    return Reader(memory_);
  }

 private:
  void require_begun() const { require(has_begun_, "Snapshot", "call begin() first, once for each snapshot"); }

  bool has_begun_ = false;
  std::shared_ptr<Memory> memory_;
  // The last member, so that its copies end before their memory is freed.
  typename Copies::CopyLane lane_;
};

}  // namespace moe
