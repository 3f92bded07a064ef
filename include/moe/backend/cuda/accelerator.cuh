#pragma once

#include "moe/backend/cuda/context.cuh"
#include "moe/backend/cuda/elementwise.cuh"
#include "moe/backend/cuda/gemm.cuh"
#include "moe/backend/cuda/glu.cuh"
#include "moe/backend/cuda/memory.cuh"
#include "moe/backend/cuda/optimizer.cuh"
#include "moe/backend/cuda/routing.cuh"
#include "moe/backend/cuda/segments.cuh"

namespace moe {

namespace gpu {

/// All families together. An operation that Backend, which inherits them, has itself is the one that layers and the
/// other families call.
template <class Backend, class Device_>
struct Operations : MemoryOperations<Backend, Device_>,
                    ElementwiseOperations<Backend, Device_>,
                    GemmOperations<Backend, Device_>,
                    GluOperations<Backend, Device_>,
                    RoutingOperations<Backend, Device_>,
                    SegmentsOperations<Backend, Device_>,
                    OptimizerOperations<Backend, Device_> {
  /// What the machine is made of.
  using Device = Device_;
  /// What a run needs and a layer must not own.
  using Context = gpu::Context<Backend, Device>;
};

}  // namespace gpu

// clang-format off
/// A backend for a machine of many threads with memory of its own. Everything that is decided or computed is in the
/// files of its families beside this one; what the machine is made of, Device knows:
///
///   Team, Stream                        the threads that share a row; what work is ordered by
///   Device(stream)                      what one stream needs: memory, libraries
///   take, give, copy, zero              memory, ordered by a device's stream or, where the device is null, at once
///   to_device, to_host                  rows of bytes across; the host's memory is its own again on return
///   to_host_async(from, bytes)          a shared PinnedTransfer, whose wait() says where they are
///   each(count, f)                      f(i) for i in [0, count), a thread each
///   cells(rows, cols, f)                f(r, c), threads side by side take columns side by side
///   rows(count, f)                      f(r, team) for r in [0, count), a team each
///   policy()                            where Thrust's algorithms run
///   begin_tasks(n), gemm(lane, ...), gemm_batch(list), end_tasks() or abandon_tasks()
///                                       products that need not wait for each other; those of one lane run in order,
///                                       a list of one shape at once
///
/// Work is cut by shapes alone and each number is computed by one team in one order: no atomics.
// clang-format on
template <class Device>
struct Accelerator : gpu::Operations<Accelerator<Device>, Device> {};

}  // namespace moe
