#pragma once

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "moe/backend/cpu/product.hpp"
#include "moe/backend/cpu/simd.hpp"

namespace moe::cpu {

/// Rows of a register tile, which is two vectors wide: as many as leave two registers for the right operand.
inline constexpr Index tile_rows = vector_registers == 32 ? 14 : 6;
/// Values per cache line.
template <class Real>
inline constexpr Index line = 64 / static_cast<Index>(sizeof(Real));
/// Steps of the inner index from one prefetch to the next.
inline constexpr Index prefetch_every = 4;
/// Prefetch distance in bytes within a panel for at most few_rows rows, whose products are limited by memory alone.
inline constexpr Index stream_ahead = 4096;
/// Columns of a register tile and of a panel.
template <class Real>
inline constexpr Index panel_cols = 2 * lanes<Real>;

/// c[r][j] = or += sum over k of left[k][r] right[k][j] for r in [0, rows) and a panel of columns. Each element is one
/// chain of sums that begins at 0 or at c and adds k in order. Its bits do not depend on other rows or columns, nor on
/// where a long sum is split and stored.
template <Index rows, class Real, class Stored>
[[gnu::noinline]] void register_tile(Index depth, const Real* left, const Stored* right, Real* c, Index stride,
                                     StoreMode into, const Real* ahead) {
  Lanes<Real> low[static_cast<std::size_t>(rows)], high[static_cast<std::size_t>(rows)];
  if (into == StoreMode::accumulate) {
#pragma GCC unroll 16
    for (Index r = 0; r < rows; ++r) low[r] = load(c + r * stride), high[r] = load(c + r * stride + lanes<Real>);
  } else {
    // Prefetches c, so that it is in a cache when the sums end.
#pragma GCC unroll 16
    for (Index r = 0; r < rows; ++r) {
      low[r] = high[r] = Lanes<Real>{};
      for (Index j = 0; j < panel_cols<Real>; j += 64 / static_cast<Index>(sizeof(Real)))
        __builtin_prefetch(c + r * stride + j, 1);
    }
  }
  const auto add = [&]() __attribute__((always_inline)) {
    if constexpr (rows <= few_rows)
      for (Index b = 0; b < panel_cols<Real> * static_cast<Index>(sizeof(Stored)); b += 64)
        __builtin_prefetch(reinterpret_cast<const char*>(right) + stream_ahead + b, 0, 3);
    const Lanes<Real> right_low = load<Real>(right), right_high = load<Real>(right + lanes<Real>);
#pragma GCC unroll 16
    for (Index r = 0; r < rows; ++r) low[r] += left[r] * right_low, high[r] += left[r] * right_high;
    left += rows, right += panel_cols<Real>;
  };
  Index k = 0;
  for (; k + prefetch_every <= depth; k += prefetch_every, ahead += line<Real>) {
    __builtin_prefetch(ahead, 0, 2);
#pragma GCC unroll 4
    for (Index i = 0; i < prefetch_every; ++i) add();
  }
  for (; k < depth; ++k) add();
#pragma GCC unroll 16
  for (Index r = 0; r < rows; ++r) store(c + r * stride, low[r]), store(c + r * stride + lanes<Real>, high[r]);
}

/// Calls register_tile for a row count known at run time: 1 to tile_rows, or 1 to few_rows for a BFloat16 panel.
template <class Real, class Stored>
inline void multiply_tile(Index rows, Index depth, const Real* left, const Stored* right, Real* c, Index stride,
                          StoreMode into, const Real* ahead) {
  using Kernel = void (*)(Index, const Real*, const Stored*, Real*, Index, StoreMode, const Real*);
  static constexpr auto kernels = []<Index... r>(std::integer_sequence<Index, r...>) {
    return std::array<Kernel, sizeof...(r)>{register_tile<r + 1, Real, Stored>...};
  }
  (std::make_integer_sequence < Index, std::is_same_v<Stored, Real> ? tile_rows : (std::min)(few_rows, tile_rows) > ());
  kernels[static_cast<std::size_t>(rows - 1)](depth, left, right, c, stride, into, ahead);
}

}  // namespace moe::cpu
