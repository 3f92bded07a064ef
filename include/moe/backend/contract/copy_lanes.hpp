#pragma once

#include <concepts>
#include <cstddef>

namespace moe {

/// Copies between the host and a device, beside the work of a context. A layer does not use them, so a backend may lack
/// them: AdamWState with Offloaded and Snapshot need them.
///
///   PinnedMemory(bytes)    host memory for such copies, uninitialized; throws a std::bad_alloc
///   copy_lane(context)     a lane of copies, which run in order, beside the work of the context:
///     copy_in, copy_out(to, from, bytes)   enqueue a copy from pinned memory to the backend's memory, and back
///     after_work()         copies that are enqueued from now on run after the work enqueued so far
///     before_work()        work that is enqueued from now on runs after the copies enqueued so far
///     wait()               the host waits for the copies enqueued so far
///     is_beside(context)   whether the context's work is the one that the lane is ordered with
template <class B>
concept CopyLanesBackend = requires(const typename B::Context& context, typename B::PinnedMemory& memory,
                                    typename B::CopyLane& lane, void* to, const void* from, std::size_t bytes) {
  requires std::constructible_from<typename B::PinnedMemory, std::size_t>;
  { memory.data() } -> std::same_as<std::byte*>;
  { B::copy_lane(context) } -> std::same_as<typename B::CopyLane>;
  lane.copy_in(to, from, bytes);
  lane.copy_out(to, from, bytes);
  lane.after_work();
  lane.before_work();
  lane.wait();
  { lane.is_beside(context) } -> std::same_as<bool>;
};

namespace contract {

/// States that the backend has no copies beside its work.
template <class B>
constexpr bool check_copy_lanes() {
  static_assert(CopyLanesBackend<B>,
                "Backend: it has no pinned host memory and no copies beside its work, which Offloaded and Snapshot "
                "need; a backend on the host has its tensors there anyway, see moe/backend/contract/copy_lanes.hpp");
  return CopyLanesBackend<B>;
}

}  // namespace contract

}  // namespace moe
