#pragma once

#include <concepts>
#include <numeric>

#include "moe/backend/cpu/context.hpp"
#include "moe/backend/cpu/lanes.hpp"
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
  template <class Real, std::same_as<Real> Value = Real>
  static void add_column_sums(const Context& context, In<Real> x_RD, Out<Real> y_1D) {
    cpu::parallel_tiles(context, x_RD.cols, 64, [&](Index begin, Index end) {
      for (Index r = 0; r < x_RD.rows; ++r)
        for (Index d = begin; d < end; ++d) y_1D(0, d) += x_RD(r, d);
    });
  }

  /// Sum of squares in double: sixteen lanes within each row, then the rows in order.
  template <class Real>
  static double sum_of_squares(const Context& context, View<const Real, Backend> x) {
    cpu::Buffer<double> buffer(context, x.rows);
    double* sums = buffer.data();
    const auto sum = cpu::row_kernels<Real>().sum_of_squares;
    for_each(context, x.rows, [&](Index r) { sums[r] = sum(x.row(r).data, x.cols); });
    return std::accumulate(sums, sums + x.rows, 0.0);
  }
};

}  // namespace moe::cpu
