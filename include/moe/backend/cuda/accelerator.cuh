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

/// All operation families, inherited by Backend. An operation that Backend defines itself replaces the inherited one
/// for layers and for the other families.
template <class Backend, class Device_>
struct Operations : MemoryOperations<Backend, Device_>,
                    ElementwiseOperations<Backend, Device_>,
                    GemmOperations<Backend, Device_>,
                    GluOperations<Backend, Device_>,
                    RoutingOperations<Backend, Device_>,
                    SegmentsOperations<Backend, Device_>,
                    OptimizerOperations<Backend, Device_> {
  /// The device primitives that the operations use.
  using Device = Device_;
  /// Execution state of a run, see cuda/context.cuh.
  using Context = gpu::Context<Backend, Device>;
};

}  // namespace gpu

// clang-format off
/// A backend for a parallel device with its own memory. The files of the operation families in this directory contain
/// all decisions and computations; Device provides the primitives:
///
///   Team, Stream                        the threads that share a row; the stream type, which orders work
///   Device(stream)                      the state of one stream: memory, libraries
///   take, give, copy, zero              memory operations in stream order, or synchronous if the device is null
///   to_device, to_host                  copies of rows of bytes; the host memory may be reused on return
///   to_host_async(from, bytes)          a shared PinnedTransfer, whose wait() returns the address of the bytes
///   PinnedMemory(bytes), copy_lane()    host memory for copies beside the work, and a lane of them (CopyLane), see
///                                       backend/contract/copy_lanes.hpp; no operation of a layer uses them
///   each(count, f)                      f(i) for i in [0, count), one thread each
///   cells(rows, cols, f)                f(r, c); neighboring threads process neighboring columns
///   rows(count, f)                      f(r, team) for r in [0, count), one team each
///   policy()                            execution policy of Thrust's algorithms
///   begin_tasks(n), gemm(lane, ...), gemm_batch(list), end_tasks() or abandon_tasks()
///                                       independent products; those of one lane run in order, a list of products
///                                       of one shape runs as a batch
///
/// The partition of work depends on shapes alone, and each value is computed by one team in a fixed order, without
/// atomics.
// clang-format on
template <class Device>
struct Accelerator : gpu::Operations<Accelerator<Device>, Device> {};

}  // namespace moe
