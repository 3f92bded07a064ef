#pragma once

#include <type_traits>

#include "moe/backend/cuda/context.cuh"
#include "moe/backend/cuda/row_blocks.cuh"
#include "moe/core/bfloat16.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/matrix.hpp"

namespace moe::gpu {

/// Parallel loops over rows or elements, and sums. Each value is computed by one team in a fixed order.
template <class Backend, class Device>
class ElementwiseOperations {
  using Context = gpu::Context<Backend, Device>;
  template <class Value>
  using In = gpu::In<Value, Backend>;
  template <class Value>
  using Out = View<Value, Backend>;

 public:
  /// The threads that share a row.
  using Team = typename Device::Team;

  /// Calls f(i) for i in [0, count), one thread each. No other f(j) may read or write memory that f(i) writes.
  template <class F>
  static void for_each(const Context& context, Index count, const F& f) {
    static_assert(std::is_trivially_copyable_v<F>,
                  "for_each: the function must be trivially copyable, as the device copies it");
    if (count > 0) context.device->each(count, f);
  }
  /// The same as for_each.
  template <class F>
  static void for_each_element(const Context& context, Index count, const F& f) {
    for_each(context, count, f);
  }
  /// f(row, col) for every row below `rows` and every column below `cols`.
  template <class F>
  static void for_each_cell(const Context& context, Index rows, Index cols, const F& f) {
    static_assert(std::is_trivially_copyable_v<F>,
                  "for_each_cell: the function must be trivially copyable, as the device copies it");
    if (rows > 0 && cols > 0) context.device->cells(rows, cols, f);
  }
  /// f(row, team) for every row below `rows`; the team shares the work on the row.
  template <class F>
  static void for_each_row(const Context& context, Index rows, const F& f) {
    static_assert(std::is_trivially_copyable_v<F>,
                  "for_each_row: the function must be trivially copyable, as the device copies it");
    if (rows > 0) context.device->rows(rows, f);
  }
  /// f(i) for i in [0, count) on the context's host threads: for an expensive f.
  template <class F>
  static void for_each_on_host(const Context& context, Index count, const F& f) {
    context.workers->run(context.threads, count, f);
  }

  /// y += the sum of the rows of x: the rows of each block in order, then the blocks in order.
  template <class Sum, class Value = Sum>
  static void add_column_sums(const Context& context, In<Value> x_RD, Out<Sum> y_1D) {
    using Real = Accum<Value>;
    const gpu::RowBlocks blocks(x_RD.rows);
    auto parts = Matrix<Real, Backend>::uninitialized(context, blocks.count, x_RD.cols);
    for_each_cell(context, blocks.count, x_RD.cols, [=, parts_PD = parts.view()] MOE_ON_DEVICE(Index block, Index d) {
      Real sum = 0;
      for (Index r = blocks.begin(block); r < blocks.end(block); ++r) sum += widened(x_RD(r, d));
      parts_PD(block, d) = sum;
    });
    for_each_element(context, x_RD.cols, [=, parts_PD = parts.view()] MOE_ON_DEVICE(Index d) {
      Real sum = widened(y_1D(0, d));
      for (Index block = 0; block < parts_PD.rows; ++block) sum += parts_PD(block, d);
      y_1D(0, d) = static_cast<Sum>(sum);
    });
  }

  /// Sum of squares in double: within each row, then over the rows.
  template <class Value>
  static void sum_of_squares(const Context& context, View<const Value, Backend> x, Out<double> sum_11) {
    auto of_rows = Matrix<double, Backend>::uninitialized(context, 1, x.rows);
    for_each_row(context, x.rows, [=, of_rows_1R = of_rows.view()] MOE_ON_DEVICE(Index r, Team team) {
      double sum = 0;
      for (Index c = team.rank(); c < x.cols; c += team.size()) {
        const double value = static_cast<double>(static_cast<Accum<Value>>(x(r, c)));
        sum += value * value;
      }
      sum = team.sum(sum);
      if (team.rank() == 0) of_rows_1R(0, r) = sum;
    });
    for_each_row(context, 1, [=, of_rows_1R = of_rows.view()] MOE_ON_DEVICE(Index, Team team) {
      double sum = 0;
      for (Index r = team.rank(); r < of_rows_1R.cols; r += team.size()) sum += of_rows_1R(0, r);
      sum = team.sum(sum);
      if (team.rank() == 0) sum_11(0, 0) = sum;
    });
  }
};

}  // namespace moe::gpu
