#pragma once

#include <algorithm>

#include "moe/backend/cpu/register_tile.hpp"
#include "moe/core/view.hpp"

namespace moe::cpu {

/// Number of values past a strip that packing may overwrite.
template <class Real>
inline constexpr Index strip_margin = lanes<Real>;

/// Packs `rows` (at most tile_rows) rows of x from row `row` on, interleaved: to[k rows + r] = x(row + r, k). Also
/// writes up to strip_margin values past the strip.
template <class Real, class Backend>
void pack_strip(View<const Real, Backend> x, Index row, Index rows, Real* to) {
  constexpr Index n = lanes<Real>, blocks = (tile_rows + n - 1) / n;
  Index k = 0;
  // Vectors may also contain rows past the strip; the next column overwrites these values.
  if (row + (rows + n - 1) / n * n <= x.rows)
    for (; k + n <= x.cols; k += n) {
      Lanes<Real> columns[static_cast<std::size_t>(blocks)][static_cast<std::size_t>(n)];
      for (Index b = 0; b * n < rows; ++b) load_transposed(&x(row + b * n, k), x.stride, columns[b]);
      for (Index j = 0; j < n; ++j)
        for (Index b = 0; b * n < rows; ++b) store(to + (k + j) * rows + b * n, columns[b][j]);
    }
  for (; k < x.cols; ++k)
    for (Index r = 0; r < rows; ++r) to[k * rows + r] = x(row + r, k);
}

/// Packs `cols` (at most tile_rows) columns of x from column `col` on: to[k cols + c] = x(k, col + c). Also writes up
/// to strip_margin values past the strip.
template <class Real, class Backend>
void pack_strip_of_columns(View<const Real, Backend> x, Index col, Index cols, Real* to) {
  constexpr Index n = lanes<Real>;
  Index k = 0;
  // Whole vectors if the rows of x extend that far; the next row overwrites values past the strip.
  if (col + (cols + n - 1) / n * n <= x.cols)
    for (; k < x.rows; ++k, to += cols)
      for (Index c = 0; c < cols; c += n) store(to + c, load(&x(k, col + c)));
  for (; k < x.rows; ++k, to += cols) std::copy_n(&x(k, col), cols, to);
}

/// Packs rows [k, k_end) and columns [col, col_end) of x into consecutive panels of (k_end - k) x panel_cols values. In
/// the first panel to[(k' - k) panel_cols + c] = x(k', col + c). Columns past the last one are 0.
template <class Real, class Backend>
void pack_panels(View<const Real, Backend> x, Index k, Index k_end, Index col, Index col_end, Real* to) {
  constexpr Index n = lanes<Real>, panel = panel_cols<Real>;
  const Index depth = k_end - k, whole = (col_end - col) / panel;
  for (Index i = 0; i < depth; ++i) {
    const Real* from = &x(k + i, col);
    Real* row = to + i * panel;
    for (Index p = 0; p < whole; ++p, from += panel, row += depth * panel) {
      store(row, load(from));
      store(row + n, load(from + n));
    }
    if (const Index rest = col_end - col - whole * panel; rest > 0)
      std::fill(std::copy_n(from, rest, row), row + panel, Real(0));
  }
}

/// The same for x^T: in the first panel to[(k' - k) panel_cols + c] = x(row + c, k').
template <class Real, class Backend>
void pack_panels_of_rows(View<const Real, Backend> x, Index k, Index k_end, Index row, Index row_end, Real* to) {
  constexpr Index n = lanes<Real>, panel = panel_cols<Real>;
  for (; row < row_end; row += panel) {
    const Index rows = (std::min)(panel, row_end - row);
    Index i = k;
    if (rows == panel)
      for (; i + n <= k_end; i += n, to += n * panel)
        for (Index half = 0; half < panel; half += n) {
          // Prefetches the next values of each row: the hardware prefetcher does not track so many rows.
          constexpr Index ahead = 512 / static_cast<Index>(sizeof(Real));
          for (Index r = 0; r < n; ++r) __builtin_prefetch(&x(row + half + r, i) + ahead);
          Lanes<Real> columns[static_cast<std::size_t>(n)];
          load_transposed(&x(row + half, i), x.stride, columns);
#pragma GCC unroll 16
          for (Index j = 0; j < n; ++j) store(to + j * panel + half, columns[j]);
        }
    for (; i < k_end; ++i, to += panel) {
      for (Index r = 0; r < rows; ++r) to[r] = x(row + r, i);
      std::fill(to + rows, to + panel, Real(0));
    }
  }
}

/// Converts `count` (a multiple of lanes) values to the type that the product is computed in.
template <class Real>
void widen(const BFloat16* from, Index count, Real* to) {
  for (Index i = 0; i < count; i += lanes<Real>) store(to + i, load<Real>(from + i));
}

}  // namespace moe::cpu
