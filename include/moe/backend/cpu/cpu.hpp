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

/// Host memory, threads of the context's own, products by Gemm. Work is cut into tiles whose borders depend on shapes
/// alone and each number is computed by one thread in one order, so results have the same bits for every number of
/// threads.
template <class Gemm = TileGemm>
struct Cpu : cpu::MemoryOperations<Cpu<Gemm>>,
             cpu::ElementwiseOperations<Cpu<Gemm>>,
             cpu::GemmOperations<Cpu<Gemm>, Gemm>,
             cpu::GluOperations<Cpu<Gemm>, Gemm>,
             cpu::RoutingOperations<Cpu<Gemm>>,
             cpu::SegmentsOperations<Cpu<Gemm>>,
             cpu::OptimizerOperations<Cpu<Gemm>> {
  /// What a run needs and a layer must not own.
  using Context = cpu::Context<Cpu>;
};

static_assert(check_backend<Cpu<>, float, double>());

/// The context of the CPU backend with our own products.
using CpuContext = Cpu<>::Context;

}  // namespace moe
