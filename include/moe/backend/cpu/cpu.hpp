#pragma once

#include "moe/backend/contract/checked.hpp"
#include "moe/backend/cpu/context.hpp"
#include "moe/backend/cpu/elementwise.hpp"
#include "moe/backend/cpu/gemm.hpp"
#include "moe/backend/cpu/glu.hpp"
#include "moe/backend/cpu/memory.hpp"
#include "moe/backend/cpu/optimizer.hpp"
#include "moe/backend/cpu/routing.hpp"
#include "moe/backend/cpu/segments.hpp"
#include "moe/backend/cpu/tile_gemm.hpp"
#include "moe/core/bfloat16.hpp"

namespace moe {

namespace cpu {

/// All operation families. `struct Mine : cpu::Operations<Mine> {...}` is a backend on the same memory and threads. An
/// operation that Mine defines itself replaces the inherited one for layers and for the other families.
template <class Backend, class Gemm = TileGemm>
struct Operations : MemoryOperations<Backend>,
                    ElementwiseOperations<Backend>,
                    GemmOperations<Backend, Gemm>,
                    GluOperations<Backend, Gemm>,
                    RoutingOperations<Backend>,
                    SegmentsOperations<Backend>,
                    OptimizerOperations<Backend> {
  /// Execution state of a run, see cpu/context.hpp.
  using Context = cpu::Context<Backend>;
};

}  // namespace cpu

/// CPU backend: host memory, the context's threads, matrix products by Gemm. Work is split into tiles whose borders
/// depend on shapes alone, and each value is computed by one thread in a fixed order, so results are bitwise identical
/// for any number of threads.
template <class Gemm = TileGemm>
struct Cpu : cpu::Operations<Cpu<Gemm>, Gemm> {};

static_assert(check_backend<Cpu<>, float, double, BFloat16>());

/// The context of the CPU backend with TileGemm products.
using CpuContext = Cpu<>::Context;

}  // namespace moe
