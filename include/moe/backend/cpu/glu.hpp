#pragma once

#include <algorithm>
#include <numeric>
#include <type_traits>

#include "moe/backend/cpu/context.hpp"
#include "moe/backend/cpu/glu_kernel.hpp"
#include "moe/backend/cpu/grouped.hpp"
#include "moe/core/activation.hpp"
#include "moe/core/bfloat16.hpp"

namespace moe::cpu {

/// The three products of a GLU with the elementwise operations that are fused into them.
template <class Backend, class Gemm>
class GluOperations {
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
  /// a = x gate^T, b = x up^T, h = activation(a) b, group by group, in one pass over x. Empty a and b are not stored; h
  /// is computed from their rounded values all the same.
  template <Activation A, class Value>
  static void grouped_glu(const Context& context, const A& activation, In<Value> x_ND, Weights<Value> gate_FD,
                          Weights<Value> up_FD, ListView<Index> offsets, Out<Value> a_NF, Out<Value> b_NF,
                          Out<Value> h_NF) {
    using Real = Accum<Value>;
    using X = Lhs<Product::right_transposed, Value>;
    constexpr bool is_rounded = !std::is_same_v<Value, Real>;
    X x(context, x_ND, offsets);
    const RhsList<Value, Backend> gate(context, gate_FD, offsets), up(context, up_FD, offsets);
    const bool kept = !a_NF.empty();
    const Index most = (std::min)(h_NF.size(), Index{X::largest_tile});
    cpu::Scratch<Real> factors(context, is_rounded ? 2 * most : kept ? 0 : most);
    const auto& rows = cpu::narrow_row_kernels();
    for_each_tile<X>(
        context, offsets, h_NF, [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
          const auto h = tile(h_NF, row, rows_end, col, cols_end);
          const auto multiply = [&](const auto& weights, const auto& to) {
            x.multiply(worker, g, row, rows_end, weights[g], col, cols_end, to, cpu::StoreMode::overwrite);
          };
          if constexpr (is_rounded) {
            const View<Real, Backend> a(factors.of(worker), h.rows, h.cols), b(a.data + a.size(), h.rows, h.cols);
            multiply(gate, a);
            multiply(up, b);
            const auto a_kept = kept ? tile(a_NF, row, rows_end, col, cols_end) : h;
            const auto b_kept = kept ? tile(b_NF, row, rows_end, col, cols_end) : h;
            for (Index r = 0; r < h.rows; ++r) {
              round(rows, h.cols, a.row(r).data, a_kept.row(r).data);
              round(rows, h.cols, b.row(r).data, b_kept.row(r).data);
              cpu::glu(activation, h.cols, a.row(r).data, b.row(r).data, a.row(r).data);
              rows.narrow(h.cols, a.row(r).data, h.row(r).data);
            }
          } else {
            const auto a = kept ? tile(a_NF, row, rows_end, col, cols_end) : h;
            const auto b =
                kept ? tile(b_NF, row, rows_end, col, cols_end) : Out<Real>(factors.of(worker), h.rows, h.cols);
            multiply(gate, a);
            multiply(up, b);
            for (Index r = 0; r < h.rows; ++r)
              cpu::glu(activation, h.cols, a.row(r).data, b.row(r).data, h.row(r).data);
          }
        });
  }

  /// With d_h = gates_n d_y down: a becomes d_a = d_h b activation'(a), b becomes d_b = d_h activation(a), h receives
  /// gates_n h with h = activation(a) b recomputed, and d_gates_n = <d_y_n down, h_n>. An empty b stands for all ones.
  /// Empty gates stand for all ones as well; d_gates is then not written.
  template <Activation A, class Value, class Real = Accum<Value>>
  static void grouped_glu_backward(const Context& context, const A& activation, In<Value> d_y_ND,
                                   Weights<Value> down_DF, ListView<Index> offsets, In<Real> gates_1N,
                                   Out<Value> a_to_d_a_NF, Out<Value> b_to_d_b_NF, Out<Value> h_NF,
                                   Out<Real> d_gates_1N) {
    using Y = Lhs<Product::plain, Value>;
    constexpr bool is_rounded = !std::is_same_v<Value, Real>;
    require_values("grouped_glu_backward", context, down_DF);
    Y d_y(context, d_y_ND, offsets);
    // One partial sum per row and tile, at the index of the tile's first block; tiles begin at multiples of a block.
    const Index block = cpu::block_cols<Real>, places = gates_1N.empty() ? 0 : (h_NF.cols + block - 1) / block;
    cpu::Buffer<Real> parts(context, h_NF.rows * places);
    const bool has_b = !b_to_d_b_NF.empty();
    if (places != 0)
      Backend::for_each(context, h_NF.rows, [&](Index n) { std::fill_n(parts.data() + n * places, places, Real(0)); });
    cpu::Scratch<Real> sums(context, is_rounded ? (std::min)(h_NF.size(), Index{Y::largest_tile}) : 0);
    cpu::Scratch<Real> copies(context, is_rounded ? 2 * h_NF.cols : 0);
    const auto& rows = cpu::narrow_row_kernels();
    for_each_tile<Y>(
        context, offsets, h_NF, [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
          const auto a = tile(a_to_d_a_NF, row, rows_end, col, cols_end);
          const auto b = has_b ? tile(b_to_d_b_NF, row, rows_end, col, cols_end) : Out<Value>{};
          const auto h = tile(h_NF, row, rows_end, col, cols_end);
          const View<Real, Backend> d_h = [&] {
            if constexpr (is_rounded)
              return View<Real, Backend>(sums.of(worker), h.rows, h.cols);
            else
              return h;
          }();
          d_y.multiply(worker, g, row, rows_end, {down_DF[g]}, col, cols_end, d_h, cpu::StoreMode::overwrite);
          for (Index r = 0; r < h.rows; ++r) {
            const Real gate = places == 0 ? Real(1) : gates_1N(0, row + r);
            Real part;
            if constexpr (is_rounded) {
              Real* const whole_a = copies.of(worker);
              Real* const whole_b = has_b ? whole_a + h.cols : nullptr;
              part = backward_of_row(rows, activation, h.cols, gate, a.row(r).data, has_b ? b.row(r).data : nullptr,
                                     d_h.row(r).data, whole_a, whole_b);
              rows.narrow(h.cols, d_h.row(r).data, h.row(r).data);
            } else {
              part = cpu::glu_backward(activation, h.cols, gate, a.row(r).data, b.row(r).data, h.row(r).data);
            }
            if (places != 0) parts.data()[(row + r) * places + col / block] = part;
          }
        });
    if (places != 0)
      Backend::for_each(context, h_NF.rows, [&](Index n) {
        d_gates_1N(0, n) = std::accumulate(parts.data() + n * places, parts.data() + (n + 1) * places, Real(0));
      });
  }

  /// h = activation(a) b elementwise, or activation(a) if b is empty; a and b may be sums of products. h may be a.
  template <Activation A, class Value>
  static void glu(const Context& context, const A& activation, In<Value> a_NF, In<Value> b_NF, Out<Value> h_NF) {
    using Real = Accum<Value>;
    if constexpr (std::is_same_v<Value, Real>) {
      Backend::for_each(context, h_NF.rows, [&](Index n) {
        cpu::glu(activation, h_NF.cols, a_NF.row(n).data, b_NF.row(n).data, h_NF.row(n).data);
      });
    } else {
      const auto& kernels = cpu::narrow_row_kernels();
      for_each_row_with_scratch(context, h_NF.rows, 2 * h_NF.cols, [&](Index n, Real* a) {
        Real* const b = b_NF.empty() ? nullptr : a + h_NF.cols;
        kernels.widen(h_NF.cols, a_NF.row(n).data, a);
        if (b != nullptr) kernels.widen(h_NF.cols, b_NF.row(n).data, b);
        cpu::glu(activation, h_NF.cols, a, b, a);
        kernels.narrow(h_NF.cols, a, h_NF.row(n).data);
      });
    }
  }
  /// The backward of glu: a becomes d_a = d_h b activation'(a), b becomes d_b = d_h activation(a), and d_h becomes h,
  /// recomputed.
  template <Activation A, class Value>
  static void glu_backward(const Context& context, const A& activation, Out<Value> a_to_d_a_NF, Out<Value> b_to_d_b_NF,
                           Out<Value> d_h_to_h_NF) {
    using Real = Accum<Value>;
    const Index cols = d_h_to_h_NF.cols;
    if constexpr (std::is_same_v<Value, Real>) {
      Backend::for_each(context, d_h_to_h_NF.rows, [&](Index n) {
        cpu::glu_backward(activation, cols, Real(1), a_to_d_a_NF.row(n).data, b_to_d_b_NF.row(n).data,
                          d_h_to_h_NF.row(n).data);
      });
    } else {
      const auto& rows = cpu::narrow_row_kernels();
      for_each_row_with_scratch(context, d_h_to_h_NF.rows, 3 * cols, [&](Index n, Real* d_h) {
        const bool has_b = !b_to_d_b_NF.empty();
        rows.widen(cols, d_h_to_h_NF.row(n).data, d_h);
        backward_of_row(rows, activation, cols, Real(1), a_to_d_a_NF.row(n).data,
                        has_b ? b_to_d_b_NF.row(n).data : nullptr, d_h, d_h + cols, has_b ? d_h + 2 * cols : nullptr);
        rows.narrow(cols, d_h, d_h_to_h_NF.row(n).data);
      });
    }
  }

  /// The dgrad of the gate and up products: d_x = d_a gate + d_b up, group by group.
  template <class Value>
  static void grouped_glu_dgrad(const Context& context, In<Value> d_a_NF, Weights<Value> gate_FD, In<Value> d_b_NF,
                                Weights<Value> up_FD, ListView<Index> offsets, Out<Value> d_x_ND) {
    using Real = Accum<Value>;
    using Y = Lhs<Product::plain, Value>;
    constexpr bool is_rounded = !std::is_same_v<Value, Real>;
    Y d_a(context, d_a_NF, offsets), d_b(context, d_b_NF, offsets);
    cpu::Scratch<Real> sums(context, is_rounded ? (std::min)(d_x_ND.size(), Index{Y::largest_tile}) : 0);
    const auto& rows = cpu::narrow_row_kernels();
    for_each_tile<Y>(
        context, offsets, d_x_ND, [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
          const auto d_x = tile(d_x_ND, row, rows_end, col, cols_end);
          const auto add_both = [&](const auto& to) {
            d_a.multiply(worker, g, row, rows_end, {gate_FD[g]}, col, cols_end, to, cpu::StoreMode::overwrite);
            d_b.multiply(worker, g, row, rows_end, {up_FD[g]}, col, cols_end, to, cpu::StoreMode::accumulate);
          };
          if constexpr (is_rounded) {
            const View<Real, Backend> sum(sums.of(worker), d_x.rows, d_x.cols);
            add_both(sum);
            for (Index r = 0; r < d_x.rows; ++r) rows.narrow(d_x.cols, sum.row(r).data, d_x.row(r).data);
          } else {
            add_both(d_x);
          }
        });
  }

 private:
  /// Rounds values to the type in which they are kept.
  template <class Value>
  static void round(const NarrowRowKernels& kernels, Index size, Accum<Value>* values, Value* kept) {
    kernels.narrow(size, values, kept);
    kernels.widen(size, kept, values);
  }
  /// cpu::glu_backward for a and b in a lower-precision type. whole_a and whole_b are memory for their copies; a null
  /// whole_b stands for an empty b.
  template <Activation A, class Value, class Real = Accum<Value>>
  static Real backward_of_row(const NarrowRowKernels& kernels, const A& activation, Index size, Real gate,
                              Value* a_to_d_a, Value* b_to_d_b, Real* d_h_to_h, Real* whole_a, Real* whole_b) {
    kernels.widen(size, a_to_d_a, whole_a);
    if (whole_b != nullptr) kernels.widen(size, b_to_d_b, whole_b);
    const Real inner = cpu::glu_backward(activation, size, gate, whole_a, whole_b, d_h_to_h);
    kernels.narrow(size, whole_a, a_to_d_a);
    if (whole_b != nullptr) kernels.narrow(size, whole_b, b_to_d_b);
    return inner;
  }
  /// f(row, scratch) for every row, with `size` floats of scratch memory.
  template <class F>
  static void for_each_row_with_scratch(const Context& context, Index rows, Index size, const F& f) {
    constexpr Index tile = 32;
    cpu::Scratch<float> scratch(context, size);
    cpu::parallel(context, (rows + tile - 1) / tile, [&](Index i, Index worker) {
      for (Index row = i * tile; row < (std::min)((i + 1) * tile, rows); ++row) f(row, scratch.of(worker));
    });
  }
};

}  // namespace moe::cpu
