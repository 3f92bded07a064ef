#pragma once

#include <algorithm>
#include <concepts>
#include <type_traits>

#include "moe/backend/cpu/context.hpp"
#include "moe/backend/cpu/grouped.hpp"
#include "moe/backend/cpu/isa/instantiations.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"

namespace moe::cpu {

/// Matrix products by Gemm, in tiles whose borders depend on shapes alone.
template <class Backend, class Gemm>
class GemmOperations {
  using Context = cpu::Context<Backend>;
  template <class Value>
  using In = cpu::In<Value, Backend>;
  template <class Value>
  using Out = View<Value, Backend>;
  template <class Value>
  using Weights = cpu::Weights<Value, Backend>;
  template <Product product, class Value>
  using Lhs = cpu::Lhs<Gemm, product, Value, Backend>;

 public:
  /// Packed copies of weights, which grouped_product reads.
  using PackedWeights = cpu::PackedWeights;

  /// y = x w^T. Each row is computed independently, in lanes whose order depends on the width alone.
  template <class Value, class Real = Accum<Value>>
  static void row_products(const Context& context, View<const Value, Backend> x_RD, In<Real> w_ED, Out<Real> y_RE) {
    if constexpr (std::is_same_v<Value, Real>) {
      const auto multiply = [&](const auto* kernels, const auto* w, Index stride) {
        constexpr Index few = cpu::few_rows;
        Backend::for_each(context, (x_RD.rows + few - 1) / few, [=](Index tile) {
          const Index row = tile * few, rows = (std::min)(few, x_RD.rows - row);
          kernels[rows - 1](x_RD.cols, w_ED.rows, x_RD.row(row).data, x_RD.stride, w, stride, y_RE.row(row).data,
                            y_RE.stride, cpu::StoreMode::overwrite);
        });
      };
      const auto& kernels = cpu::product_kernels<Real>();
      if constexpr (cpu::can_be_narrow<Real>)
        if (const BFloat16* rows = context.packed ? context.packed->rows_of(w_ED) : nullptr)
          return multiply(kernels.narrow_few_rows, rows, w_ED.cols);
      multiply(kernels.few_rows, w_ED.data, w_ED.stride);
    } else {
      row_products<Real>(context, widened(context, x_RD).const_view(), w_ED, y_RE);
    }
  }

  /// The dgrad of row_products: d_x += d_y w.
  template <class Value, class Real = Accum<Value>>
  static void add_row_dgrad(const Context& context, In<Real> d_y_RE, In<Real> w_ED, Out<Value> d_x_RD) {
    if constexpr (std::is_same_v<Value, Real>) {
      add_grouped_dgrad<Real>(context, d_y_RE, {w_ED}, {0, d_x_RD.rows}, d_x_RD);
    } else {
      auto sum_RD = widened(context, View<const Value, Backend>(d_x_RD));
      add_grouped_dgrad<Real>(context, d_y_RE, {w_ED}, {0, d_x_RD.rows}, sum_RD.view());
      Backend::for_each(context, d_x_RD.rows, [&, sum = sum_RD.view()](Index r) {
        cpu::narrow_row_kernels().narrow(d_x_RD.cols, sum.row(r).data, d_x_RD.row(r).data);
      });
    }
  }
  /// The wgrad of row_products: d_w += d_y^T x.
  template <class Value, class Real = Accum<Value>>
  static void add_row_wgrad(const Context& context, In<Real> d_y_RE, View<const Value, Backend> x_RD,
                            Out<Real> d_w_ED) {
    if constexpr (std::is_same_v<Value, Real>)
      grouped_wgrad<Real, Real>(context, d_y_RE, x_RD, {0, x_RD.rows}, {d_w_ED});
    else
      grouped_wgrad<Real, Real>(context, d_y_RE, widened(context, x_RD).const_view(), {0, x_RD.rows}, {d_w_ED});
  }

  /// y = x w^T, group by group: rows [offsets[g], offsets[g+1]) of x use the g-th weight.
  template <class Value>
  static void grouped_product(const Context& context, In<Value> x_ND, Weights<Value> w_FD, ListView<Index> offsets,
                              Out<Value> y_NF) {
    write_grouped_product<Value>(context, x_ND, w_FD, offsets, y_NF);
  }
  /// The same with results in the accumulation type: sums of bfloat16 values are not rounded.
  template <class Value>
  static void grouped_sums(const Context& context, In<Value> x_ND, Weights<Value> w_FD, ListView<Index> offsets,
                           Out<Accum<Value>> y_NF) {
    write_grouped_product<Value>(context, x_ND, w_FD, offsets, y_NF);
  }

  /// d_x += d_y w, group by group.
  template <class Value>
  static void add_grouped_dgrad(const Context& context, In<Value> d_y_NF, Weights<Value> w_FD, ListView<Index> offsets,
                                Out<Value> d_x_ND) {
    using Y = Lhs<Product::plain, Value>;
    require_values("add_grouped_dgrad", context, w_FD);
    Y d_y(context, d_y_NF, offsets);
    auto sums = sums_of_tiles<Y, Value>(context, d_x_ND.size());
    for_each_tile<Y>(
        context, offsets, d_x_ND, [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
          multiply(d_y, worker, g, row, rows_end, Rhs<Value, Backend>{w_FD[g]}, col, cols_end,
                   tile(d_x_ND, row, rows_end, col, cols_end), cpu::StoreMode::accumulate, sums.of(worker));
        });
  }

  /// d_w += d_y^T x, group by group; an empty d_w is skipped.
  template <class Value, class GradientValue = Value>
  requires(std::same_as<GradientValue, Value> || std::same_as<GradientValue, Accum<Value>>) static void grouped_wgrad(
      const Context& context, View<const Value, Backend> d_y_NF, View<const Value, Backend> x_ND,
      ListView<Index> offsets, std::type_identity_t<ListView<View<GradientValue, Backend>>> d_w_FD) {
    if (std::all_of(d_w_FD.begin(), d_w_FD.end(), [](const auto& d_w) { return d_w.empty(); })) return;
    using Y = Lhs<Product::left_transposed, Value>;
    Y d_y(context, d_y_NF, offsets);
    auto sums = sums_of_tiles<Y, GradientValue>(context, d_y_NF.cols * x_ND.cols);
    // The rows of each weight correspond to the columns of d_y.
    cpu::Buffer<Index> rows(context, d_w_FD.size + 1);
    for (Index g = 0; g <= d_w_FD.size; ++g) rows.data()[g] = g * d_y_NF.cols;
    cpu::for_each_tile(context, {rows.data(), d_w_FD.size + 1}, Y::rows_step, x_ND.cols, &Y::cols_step,
                       [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
                         const Index begin = offsets[g], end = offsets[g + 1], first = g * d_y_NF.cols;
                         if (d_w_FD[g].empty() || begin == end) return;
                         multiply(d_y, worker, g, row - first, rows_end - first,
                                  Rhs<Value, Backend>{x_ND.rows_between(begin, end)}, col, cols_end,
                                  tile(d_w_FD[g], row - first, rows_end - first, col, cols_end),
                                  cpu::StoreMode::accumulate, sums.of(worker));
                       });
  }

  /// Independent products, in tiles of each result. b is read as it is stored, never from packed weights.
  template <Product product, class In_, class Out_ = In_>
  requires(std::same_as<Out_, In_> || std::same_as<Out_, Accum<In_>>) static void products(
      const Context& context, std::type_identity_t<ListView<ProductOf<In_, Out_, Backend>>> list) {
    using A = Lhs<product, In_>;
    Index largest = 0;
    for (const auto& one : list) largest = (std::max)(largest, one.c.size());
    auto sums = sums_of_tiles<A, Out_>(context, largest);
    cpu::for_each_tile_of(
        context, list.size,
        [&](Index i) {
          return cpu::Extent{0, list[i].c.rows, list[i].c.cols};
        },
        A::rows_step, &A::cols_step,
        [&](Index i, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
          const auto& [a, b, c, adds] = list[i];
          const auto part = tile(c, row, rows_end, col, cols_end);
          if ((product == Product::left_transposed ? a.rows : a.cols) == 0) {
            for (Index r = 0; r < part.rows && !adds; ++r) std::fill_n(part.row(r).data, part.cols, Out_{});
            return;
          }
          const auto left =
              product == Product::left_transposed ? a.cols_between(row, rows_end) : a.rows_between(row, rows_end);
          const auto right =
              product == Product::right_transposed ? b.rows_between(col, cols_end) : b.cols_between(col, cols_end);
          const Index offsets[] = {0, left.rows};
          A lhs(context, left, {offsets, 2}, /*workers=*/1);
          multiply(lhs, 0, 0, 0, part.rows, Rhs<In_, Backend>{right}, 0, part.cols, part,
                   adds ? cpu::StoreMode::accumulate : cpu::StoreMode::overwrite, sums.of(worker));
        });
  }

 private:
  template <class Value, class Result>
  static void write_grouped_product(const Context& context, In<Value> x_ND, Weights<Value> w_FD,
                                    ListView<Index> offsets, View<Result, Backend> y_NF) {
    using X = Lhs<Product::right_transposed, Value>;
    X x(context, x_ND, offsets);
    const RhsList<Value, Backend> w(context, w_FD, offsets);
    auto sums = sums_of_tiles<X, Result>(context, y_NF.size());
    for_each_tile<X>(context, offsets, y_NF,
                     [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
                       multiply(x, worker, g, row, rows_end, w[g], col, cols_end,
                                tile(y_NF, row, rows_end, col, cols_end), cpu::StoreMode::overwrite, sums.of(worker));
                     });
  }
  /// Memory for the sums of each worker's tile of L, at most `most` of them; none if results are not rounded.
  template <class L, class Value>
  static cpu::Scratch<Accum<Value>> sums_of_tiles(const Context& context, Index most) {
    return {context, std::is_same_v<Value, Accum<Value>> ? 0 : (std::min)(most, Index{L::largest_tile})};
  }
  /// lhs.multiply(), whose sums are in `sums` if they are rounded to c.
  template <class L, class Value, class Result>
  static void multiply(L& lhs, Index worker, Index group, Index row, Index rows_end, Rhs<Value, Backend> right,
                       Index col, Index cols_end, View<Result, Backend> c, cpu::StoreMode into, Accum<Result>* sums) {
    if constexpr (std::is_same_v<Result, Accum<Result>>)
      lhs.multiply(worker, group, row, rows_end, right, col, cols_end, c, into);
    else
      lhs.multiply(worker, group, row, rows_end, right, col, cols_end, c, into,
                   View<Accum<Result>, Backend>(sums, c.rows, c.cols));
  }
  /// x in its accumulation type.
  template <class Value>
  static Matrix<Accum<Value>, Backend> widened(const Context& context, View<const Value, Backend> x_RD) {
    auto whole_RD = Matrix<Accum<Value>, Backend>::uninitialized(context, x_RD.rows, x_RD.cols);
    Backend::for_each(context, x_RD.rows, [&, whole = whole_RD.view()](Index r) {
      cpu::narrow_row_kernels().widen(x_RD.cols, x_RD.row(r).data, whole.row(r).data);
    });
    return whole_RD;
  }
};

}  // namespace moe::cpu
