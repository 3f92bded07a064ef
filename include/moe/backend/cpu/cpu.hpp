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

namespace moe {

namespace cpu {

/// All families together. `struct Mine : cpu::Operations<Mine> {...}` is a backend of its own, on the same memory and
/// threads: an operation that it has itself is the one that layers and the other families call.
template <class Backend, class Gemm = TileGemm>
struct Operations : MemoryOperations<Backend>,
                    ElementwiseOperations<Backend>,
                    GemmOperations<Backend, Gemm>,
                    GluOperations<Backend, Gemm>,
                    RoutingOperations<Backend>,
                    SegmentsOperations<Backend>,
                    OptimizerOperations<Backend> {
  /// What a run needs and a layer must not own.
  using Context = cpu::Context<Backend>;
};

}  // namespace cpu

/// Host memory, threads of the context's own, products by Gemm. Work is cut into tiles whose borders depend on shapes
/// alone and each number is computed by one thread in one order, so results have the same bits for every number of
/// threads.
template <class Gemm = TileGemm>
struct Cpu : cpu::Operations<Cpu<Gemm>, Gemm> {};

static_assert(check_backend<Cpu<>, float, double>());

/// The context of the CPU backend with our own products.
using CpuContext = Cpu<>::Context;

}  // namespace moe
