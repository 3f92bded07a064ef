#pragma once

#include <algorithm>
#include <array>
#include <utility>

#include "moe/backend/cpu/product.hpp"
#include "moe/backend/cpu/simd.hpp"
#include "moe/core/view.hpp"

namespace moe::cpu {

namespace detail {

template <class Half, class Vector, std::size_t... i>
[[gnu::always_inline]] inline Half halves_added(Vector value, std::index_sequence<i...>) {
  return __builtin_shufflevector(value, value, static_cast<int>(i)...) +
         __builtin_shufflevector(value, value, static_cast<int>(i + sizeof...(i))...);
}

}  // namespace detail

/// The sum of all lanes, pairwise: the upper half is added to the lower one until one value is left.
template <class Real, int bytes = vector_bytes>
[[gnu::always_inline]] inline Real sum_of_lanes(typename detail::VectorOf<Real, bytes>::type value) {
  constexpr std::size_t half = bytes / 2 / sizeof(Real);
  if constexpr (half == 1)
    return value[0] + value[1];
  else
    return sum_of_lanes<Real, bytes / 2>(detail::halves_added<typename detail::VectorOf<Real, bytes / 2>::type>(
        value, std::make_index_sequence<half>()));
}

/// c[r][j] = or += sum over k of a[r][k] b[j][k] for r in [0, rows) and j in [0, cols). b is read once and in order,
/// which is the fastest access pattern. Each sum runs in the lanes of a vector, which are then added pairwise: bits do
/// not depend on other rows or columns, but differ from those of register_tile.
template <Index rows, Index cols, class Real>
[[gnu::always_inline]] inline void dot_tile(Index depth, const Real* a, Index a_stride, const Real* b, Index b_stride,
                                            Real* c, Index c_stride, StoreMode into) {
  constexpr Index n = lanes<Real>;
  constexpr auto row_count = static_cast<std::size_t>(rows), col_count = static_cast<std::size_t>(cols);
  Lanes<Real> sum[row_count][col_count] = {};
  const auto add = [&](Index k, Index count) __attribute__((always_inline)) {
    Lanes<Real> right[col_count];
#pragma GCC unroll 4
    for (Index j = 0; j < cols; ++j) right[j] = load(b + j * b_stride + k, count);
#pragma GCC unroll 8
    for (Index r = 0; r < rows; ++r) {
      const Lanes<Real> left = load(a + r * a_stride + k, count);
#pragma GCC unroll 4
      for (Index j = 0; j < cols; ++j) sum[r][j] = multiply_add<Real>(left, right[j], sum[r][j]);
    }
  };
  Index k = 0;
  for (; k + n <= depth; k += n) add(k, n);
  if (k < depth) add(k, depth - k);
  for (Index r = 0; r < rows; ++r)
    for (Index j = 0; j < cols; ++j) {
      const Real value = sum_of_lanes<Real>(sum[r][j]);
      Real& to = c[r * c_stride + j];
      to = into == StoreMode::accumulate ? to + value : value;
    }
}

/// dot_tile for all columns of c.
template <Index rows, class Real, class Backend>
[[gnu::noinline]] void multiply_few_rows(View<const Real, Backend> a, View<const Real, Backend> b,
                                         View<Real, Backend> c, StoreMode into) {
  constexpr Index cols = std::clamp<Index>(3 * vector_registers / 4 / rows, 1, 4);
  Index j = 0;
  for (; j + cols <= c.cols; j += cols)
    dot_tile<rows, cols>(a.cols, a.data, a.stride, b.row(j).data, b.stride, &c(0, j), c.stride, into);
  for (; j < c.cols; ++j)
    dot_tile<rows, 1>(a.cols, a.data, a.stride, b.row(j).data, b.stride, &c(0, j), c.stride, into);
}

/// c = or += a b^T for 1 to few_rows rows.
template <class Real, class Backend>
inline void multiply_rows(View<const Real, Backend> a, View<const Real, Backend> b, View<Real, Backend> c,
                          StoreMode into) {
  using Kernel = void (*)(View<const Real, Backend>, View<const Real, Backend>, View<Real, Backend>, StoreMode);
  static constexpr auto kernels = []<Index... r>(std::integer_sequence<Index, r...>) {
    return std::array<Kernel, sizeof...(r)>{multiply_few_rows<r + 1, Real, Backend>...};
  }
  (std::make_integer_sequence<Index, few_rows>());
  kernels[static_cast<std::size_t>(a.rows - 1)](a, b, c, into);
}

}  // namespace moe::cpu
