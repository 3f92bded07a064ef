#pragma once

#include <chrono>
#include <concepts>

#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"

namespace moe {

/// An engine that moves bytes between ranks, such as MPI. It adds nothing: sums are computed by the library in a fixed
/// order, so results do not depend on the engine. Every rank makes the same calls in the same order.
///
///   Stream, on_device
///       the queue that a call belongs to, an empty struct for an engine of host memory; whether `from` and `to` are
///       device memory. Calls of an engine of host memory are complete on return.
///   host()
///       only of an engine of device memory: an engine of host memory over the same ranks
///   rank(), size()
///       this rank, in [0, size); the number of ranks
///   all_to_all_v(from, bytes_to, to, bytes_from, stream)
///       sends bytes_to[p] bytes to rank p and receives bytes_from[p] bytes from it. `from` and `to` hold the blocks of
///       ranks 0, 1, ... back to back and do not overlap. bytes_from[p] is what rank p sends here; 0 is allowed, and a
///       pointer may be null if its blocks are all empty. A rank's block for itself is copied.
///   all_gather_v(from, bytes, to, stream)
///       every rank p sends its bytes[p] bytes to all; `to` receives the blocks of ranks 0, 1, ... back to back
///   broadcast(data, bytes, root, stream)
///       copies root's bytes to every rank
///   barrier()
///       returns when every rank has called it
///   set_timeout(time)
///       the longest wait of one call for other ranks; a longer one throws CommError that names the ranks that are
///       missing, if they are known. 0: no limit.
///   abort(exit_code)
///       ends every rank; does not return
///   split(color, key) -> C
///       an engine over the ranks with the same color, numbered by ascending key, then by rank
///
/// Errors, and blocks whose sizes two ranks state differently as far as the engine notices, throw CommError.
template <class C>
concept Comm = std::movable<C> &&
    requires(C& comm, const C& constant, const void* from, void* to, ListView<Index> bytes, typename C::Stream stream) {
  { constant.rank() } -> std::same_as<int>;
  { constant.size() } -> std::same_as<int>;
  { C::on_device } -> std::convertible_to<bool>;
  comm.all_to_all_v(from, bytes, to, bytes, stream);
  comm.all_gather_v(from, bytes, to, stream);
  comm.broadcast(to, Index{}, /*root=*/0, stream);
  comm.barrier();
  comm.set_timeout(std::chrono::milliseconds{});
  comm.abort(/*exit_code=*/1);
  { comm.split(/*color=*/0, /*key=*/0) } -> std::same_as<C>;
};

}  // namespace moe
