#pragma once

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "moe/backend/cpu/product.hpp"
#include "moe/backend/cpu/simd.hpp"

namespace moe::cpu {

/// What is summed in registers at a time: as many rows as leave two registers for the right operand, two vectors wide.
inline constexpr Index tile_rows = vector_registers == 32 ? 14 : 6;
/// Values in a line of the cache.
template <class Real>
inline constexpr Index line = 64 / static_cast<Index>(sizeof(Real));
/// Steps of the inner index from one request for memory to the next.
inline constexpr Index prefetch_every = 4;
/// Bytes from what few rows read of a panel to what is asked for meanwhile: they wait for memory alone.
inline constexpr Index stream_ahead = 4096;
/// Columns of a tile and of a panel.
template <class Real>
inline constexpr Index panel_cols = 2 * lanes<Real>;

/// c[r][j] (+)= sum over k, one after the other, of left[k][r] right[k][j] for r in [0, rows) and a panel of columns.
/// Every element has one chain of sums that begins at 0 or at c and takes k in order, so its bits depend on no other
/// row, on no other column and not on where a long sum was cut and stored.
template <Index rows, class Real, class Stored>
[[gnu::noinline]] void register_tile(Index depth, const Real* left, const Stored* right, Real* c, Index stride,
                                     StoreMode into, const Real* ahead) {
  Lanes<Real> low[static_cast<std::size_t>(rows)], high[static_cast<std::size_t>(rows)];
  if (into == StoreMode::accumulate) {
#pragma GCC unroll 16
    for (Index r = 0; r < rows; ++r) low[r] = load(c + r * stride), high[r] = load(c + r * stride + lanes<Real>);
  } else {
    // Results that are not in a cache yet arrive while the sums run.
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

/// register_tile for 1 to tile_rows rows, or to few_rows of values that are stored narrow, chosen at run time.
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
