#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "moe/backend/cuda/check.cuh"
#include "moe/core/index.hpp"

namespace moe::gpu {

/// The 32 lanes of a warp, which share a row.
struct WarpTeam {
  __device__ static Index rank() { return threadIdx.x; }
  __device__ static constexpr Index size() { return 32; }
  /// Butterfly reduction over lane distances 16, 8, 4, 2, 1; bitwise identical in every lane.
  template <class Number>
  __device__ static Number sum(Number own) {
    for (int step = 16; step > 0; step /= 2) own += __shfl_xor_sync(0xffffffffu, own, step);
    return own;
  }
  /// The same reduction with `combine` instead of a sum.
  template <class Own, class Combine>
  __device__ static Own fold(Own own, const Combine& combine) {
    static_assert(sizeof(Own) % sizeof(unsigned) == 0 && std::is_trivially_copyable_v<Own>);
    for (int step = 16; step > 0; step /= 2) {
      unsigned words[sizeof(Own) / sizeof(unsigned)];
      memcpy(words, &own, sizeof(Own));
      for (unsigned& word : words) word = __shfl_xor_sync(0xffffffffu, word, step);
      Own other;
      memcpy(&other, words, sizeof(Own));
      own = combine(own, other);
    }
    return own;
  }
};

/// Threads and warps per block.
inline constexpr unsigned block_threads = 256, block_warps = block_threads / 32;

/// f(i), one thread each.
template <class F>
__global__ void __launch_bounds__(block_threads) each_kernel(Index count, F f) {
  const Index step = static_cast<Index>(gridDim.x) * block_threads;
  for (Index i = static_cast<Index>(blockIdx.x) * block_threads + threadIdx.x; i < count; i += step) f(i);
}
/// f(r, c): a warp processes adjacent columns of one row, in runs of at most `columns` columns.
template <class F>
__global__ void __launch_bounds__(block_threads) cells_kernel(Index rows, Index cols, Index columns, F f) {
  const Index step = static_cast<Index>(gridDim.x) * block_warps;
  for (Index r = static_cast<Index>(blockIdx.x) * block_warps + threadIdx.y; r < rows; r += step)
    for (Index begin = static_cast<Index>(blockIdx.y) * columns; begin < cols;
         begin += static_cast<Index>(gridDim.y) * columns)
      for (Index c = begin + threadIdx.x; c < begin + columns && c < cols; c += 32) f(r, c);
}
/// f(r, c) for short rows: neighboring threads process neighboring cells, across row borders.
template <class F>
__global__ void __launch_bounds__(block_threads) short_rows_kernel(Index rows, unsigned cols, F f) {
  const Index step = static_cast<Index>(gridDim.x) * block_threads;
  for (Index i = static_cast<Index>(blockIdx.x) * block_threads + threadIdx.x; i < rows * cols; i += step)
    f(i / cols, i % cols);
}
/// f(r, team), one warp each.
template <class F>
__global__ void __launch_bounds__(block_threads) rows_kernel(Index rows, F f) {
  const Index step = static_cast<Index>(gridDim.x) * block_warps;
  for (Index r = static_cast<Index>(blockIdx.x) * block_warps + threadIdx.y; r < rows; r += step) f(r, WarpTeam{});
}

/// Number of blocks for `count` units of work, `per_block` units each. Kernels use grid-stride loops where the grid is
/// too small for all of them.
inline unsigned blocks_for(Index count, Index per_block) {
  return static_cast<unsigned>(std::min<Index>((count + per_block - 1) / per_block, 0x7fffffff));
}

/// Launches on the stream. Throws DeviceError if the launch fails; the next call that waits throws errors of the run.
template <class... Parameters, class... Arguments>
void launch(cudaStream_t stream, dim3 grid, dim3 block, const char* where, void (*kernel)(Parameters...),
            const Arguments&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.stream = stream;
  check(cudaLaunchKernelEx(&config, kernel, Parameters(arguments)...), where);
}

/// f(i), one thread each.
template <class F>
void launch_each(cudaStream_t stream, Index count, const F& f) {
  launch(stream, blocks_for(count, block_threads), block_threads, "Cuda::for_each", each_kernel<F>, count, f);
}
/// f(r, c).
template <class F>
void launch_cells(cudaStream_t stream, Index rows, Index cols, const F& f) {
  if (cols < 32) {
    launch(stream, blocks_for(rows * cols, block_threads), block_threads, "Cuda::for_each_cell", short_rows_kernel<F>,
           rows, cols, f);
  } else {
    // A few cells, which may be long loops each, are spread over many warps; many cells fill the device in longer runs.
    const Index columns = rows * cols > (Index{1} << 22) ? 256 : 32;
    const dim3 grid(blocks_for(rows, block_warps),
                    static_cast<unsigned>(std::min<Index>((cols + columns - 1) / columns, 65535)));
    launch(stream, grid, dim3(32, block_warps), "Cuda::for_each_cell", cells_kernel<F>, rows, cols, columns, f);
  }
}
/// f(r, team), one warp each.
template <class F>
void launch_rows(cudaStream_t stream, Index rows, const F& f) {
  launch(stream, blocks_for(rows, block_warps), dim3(32, block_warps), "Cuda::for_each_row", rows_kernel<F>, rows, f);
}

}  // namespace moe::gpu
