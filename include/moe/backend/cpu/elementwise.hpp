#pragma once

#include <concepts>
#include <numeric>
#include <type_traits>

#include "moe/backend/cpu/context.hpp"
#include "moe/backend/cpu/lanes.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/team.hpp"

namespace moe::cpu {

/// Parallel loops over rows or elements, and sums. Work is split into tiles whose borders depend on shapes alone.
template <class Backend>
class ElementwiseOperations {
  using Context = cpu::Context<Backend>;
  template <class Value>
  using In = cpu::In<Value, Backend>;
  template <class Value>
  using Out = View<Value, Backend>;

 public:
  /// Each row is processed by one thread.
  using Team = TeamOfOne;

  /// Calls f(i) for i in [0, count), in tiles of 32. No other f(j) may read or write memory that f(i) writes.
  template <class F>
  static void for_each(const Context& context, Index count, const F& f) {
    cpu::parallel_tiles(context, count, 32, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) f(i);
    });
  }
  /// As for_each, in tiles of 8192: for an f of a few operations.
  template <class F>
  static void for_each_element(const Context& context, Index count, const F& f) {
    cpu::parallel_tiles(context, count, 8192, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) f(i);
    });
  }

  /// f(row, col) for every row below `rows` and every column below `cols`.
  template <class F>
  static void for_each_cell(const Context& context, Index rows, Index cols, const F& f) {
    for_each(context, rows, [&](Index r) {
      for (Index c = 0; c < cols; ++c) f(r, c);
    });
  }
  /// f(row, team) for every row below `rows`; the team shares the work on the row.
  template <class F>
  static void for_each_row(const Context& context, Index rows, const F& f) {
    for_each(context, rows, [&](Index r) { f(r, Team{}); });
  }
  /// f(i) for i in [0, count), one task per i: for an expensive f.
  template <class F>
  static void for_each_on_host(const Context& context, Index count, const F& f) {
    cpu::parallel(context, count, f);
  }

  /// y += the sum of the rows of x, in order.
  template <class Sum, class Value = Sum>
  static void add_column_sums(const Context& context, In<Value> x_RD, Out<Sum> y_1D) {
    constexpr Index tile = 64;
    cpu::parallel_tiles(context, x_RD.cols, tile, [&](Index begin, Index end) {
      Accum<Sum> sums[tile];
      for (Index d = begin; d < end; ++d) sums[d - begin] = widened(y_1D(0, d));
      for (Index r = 0; r < x_RD.rows; ++r)
        for (Index d = begin; d < end; ++d) sums[d - begin] += static_cast<Accum<Sum>>(widened(x_RD(r, d)));
      for (Index d = begin; d < end; ++d) y_1D(0, d) = static_cast<Sum>(sums[d - begin]);
    });
  }

  /// Sum of squares in double: sixteen lanes within each row, then the rows in order.
  template <class Value>
  static void sum_of_squares(const Context& context, View<const Value, Backend> x, Out<double> sum_11) {
    cpu::Buffer<double> buffer(context, x.rows);
    double* sums = buffer.data();
    if constexpr (std::is_same_v<Value, BFloat16>)
      for_each(context, x.rows, [&](Index r) {
        sums[r] = cpu::lane_sum<double>(x.cols, [row = x.row(r)](Index i) {
          const double value = static_cast<double>(widened(row[i]));
          return value * value;
        });
      });
    else
      for_each(context, x.rows,
               [&, sum = cpu::row_kernels<Value>().sum_of_squares](Index r) { sums[r] = sum(x.row(r).data, x.cols); });
    sum_11(0, 0) = std::accumulate(sums, sums + x.rows, 0.0);
  }
};

}  // namespace moe::cpu
