#pragma once

#include <array>
#include <utility>

#include "moe/backend/cpu/product.hpp"
#include "moe/backend/cpu/simd.hpp"

namespace moe::cpu {

/// What is summed in registers at a time: as many rows as leave two registers for the right operand, two vectors wide.
inline constexpr Index tile_rows = vector_registers == 32 ? 14 : 6;
/// Columns of a tile and of a panel.
template <class Real>
inline constexpr Index panel_cols = 2 * lanes<Real>;

/// c[r][j] (+)= sum over k, one after the other, of left[k][r] right[k][j] for r in [0, rows) and a panel of columns.
/// Every element has one chain of sums that begins at 0 or at c and takes k in order, so its bits depend on no other
/// row, on no other column and not on where a long sum was cut and stored.
template <Index rows, class Real>
[[gnu::noinline]] void register_tile(Index depth, const Real* left, const Real* right, Real* c, Index stride,
                                     Into into) {
  Lanes<Real> low[rows], high[rows];
  if (into == Into::sum) {
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
  for (Index k = 0; k < depth; ++k, left += rows, right += panel_cols<Real>) {
    const Lanes<Real> right_low = load(right), right_high = load(right + lanes<Real>);
#pragma GCC unroll 16
    for (Index r = 0; r < rows; ++r) low[r] += left[r] * right_low, high[r] += left[r] * right_high;
  }
#pragma GCC unroll 16
  for (Index r = 0; r < rows; ++r) store(c + r * stride, low[r]), store(c + r * stride + lanes<Real>, high[r]);
}

/// register_tile for 1 to tile_rows rows, chosen at run time.
template <class Real>
inline void multiply_tile(Index rows, Index depth, const Real* left, const Real* right, Real* c, Index stride,
                          Into into) {
  using Kernel = void (*)(Index, const Real*, const Real*, Real*, Index, Into);
  static constexpr auto kernels = []<Index... r>(std::integer_sequence<Index, r...>) {
    return std::array<Kernel, sizeof...(r)>{register_tile<r + 1, Real>...};
  }
  (std::make_integer_sequence<Index, tile_rows>());
  kernels[static_cast<std::size_t>(rows - 1)](depth, left, right, c, stride, into);
}

}  // namespace moe::cpu
