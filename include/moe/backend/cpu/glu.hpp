#pragma once

#include <algorithm>
#include <numeric>

#include "moe/backend/cpu/context.hpp"
#include "moe/backend/cpu/glu_kernel.hpp"
#include "moe/backend/cpu/grouped.hpp"
#include "moe/core/activation.hpp"

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
  template <Product product, class Real>
  using Lhs = cpu::Lhs<Gemm, product, Real, Backend>;

 public:
  /// a = x gate^T, b = x up^T, h = activation(a) b, group by group, in one pass over x. Empty a and b are not stored.
  template <Activation A, class Real>
  static void grouped_glu(const Context& context, const A& activation, In<Real> x_ND, Weights<Real> gate_FD,
                          Weights<Real> up_FD, ListView<Index> offsets, Out<Real> a_NF, Out<Real> b_NF,
                          Out<Real> h_NF) {
    using X = Lhs<Product::right_transposed, Real>;
    X x(context, x_ND, offsets);
    const RhsList<Real, Backend> gate(context, gate_FD, offsets), up(context, up_FD, offsets);
    const bool kept = !a_NF.empty();
    cpu::Scratch<Real> factors(context, kept ? 0 : X::largest_tile);
    for_each_tile<X>(
        context, offsets, h_NF, [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
          const auto h = tile(h_NF, row, rows_end, col, cols_end);
          const auto a = kept ? tile(a_NF, row, rows_end, col, cols_end) : h;
          const auto b =
              kept ? tile(b_NF, row, rows_end, col, cols_end) : Out<Real>(factors.of(worker), h.rows, h.cols);
          x.multiply(worker, g, row, rows_end, gate[g], col, cols_end, a, cpu::StoreMode::overwrite);
          x.multiply(worker, g, row, rows_end, up[g], col, cols_end, b, cpu::StoreMode::overwrite);
          for (Index r = 0; r < h.rows; ++r) cpu::glu(activation, h.cols, a.row(r).data, b.row(r).data, h.row(r).data);
        });
  }

  /// With d_h = gates_n d_y down: a becomes d_a = d_h b activation'(a), b becomes d_b = d_h activation(a), h receives
  /// gates_n h with h = activation(a) b recomputed, and d_gates_n = <d_y_n down, h_n>. An empty b stands for all ones.
  /// Empty gates stand for all ones as well; d_gates is then not written.
  template <Activation A, class Real>
  static void grouped_glu_backward(const Context& context, const A& activation, In<Real> d_y_ND, Weights<Real> down_DF,
                                   ListView<Index> offsets, In<Real> gates_1N, Out<Real> a_to_d_a_NF,
                                   Out<Real> b_to_d_b_NF, Out<Real> h_NF, Out<Real> d_gates_1N) {
    using Y = Lhs<Product::plain, Real>;
    Y d_y(context, d_y_ND, offsets);
    // One partial sum per row and tile, at the index of the tile's first block; tiles begin at multiples of a block.
    const Index block = cpu::block_cols<Real>, places = gates_1N.empty() ? 0 : (h_NF.cols + block - 1) / block;
    cpu::Buffer<Real> parts(context, h_NF.rows * places);
    const bool has_b = !b_to_d_b_NF.empty();
    if (places != 0)
      Backend::for_each(context, h_NF.rows, [&](Index n) { std::fill_n(parts.data() + n * places, places, Real(0)); });
    for_each_tile<Y>(
        context, offsets, h_NF, [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
          const auto a = tile(a_to_d_a_NF, row, rows_end, col, cols_end);
          const auto b = has_b ? tile(b_to_d_b_NF, row, rows_end, col, cols_end) : Out<Real>{};
          const auto h = tile(h_NF, row, rows_end, col, cols_end);
          d_y.multiply(worker, g, row, rows_end, {down_DF[g]}, col, cols_end, h, cpu::StoreMode::overwrite);
          for (Index r = 0; r < h.rows; ++r) {
            const Real gate = places == 0 ? Real(1) : gates_1N(0, row + r);
            const Real part = cpu::glu_backward(activation, h.cols, gate, a.row(r).data, b.row(r).data, h.row(r).data);
            if (places != 0) parts.data()[(row + r) * places + col / block] = part;
          }
        });
    if (places != 0)
      Backend::for_each(context, h_NF.rows, [&](Index n) {
        d_gates_1N(0, n) = std::accumulate(parts.data() + n * places, parts.data() + (n + 1) * places, Real(0));
      });
  }

  /// h = activation(a) b elementwise, or activation(a) if b is empty; a and b may be sums of products. h may be a.
  template <Activation A, class Real>
  static void glu(const Context& context, const A& activation, In<Real> a_NF, In<Real> b_NF, Out<Real> h_NF) {
    Backend::for_each(context, h_NF.rows, [&](Index n) {
      cpu::glu(activation, h_NF.cols, a_NF.row(n).data, b_NF.row(n).data, h_NF.row(n).data);
    });
  }
  /// The backward of glu: a becomes d_a = d_h b activation'(a), b becomes d_b = d_h activation(a), and d_h becomes h,
  /// recomputed.
  template <Activation A, class Real>
  static void glu_backward(const Context& context, const A& activation, Out<Real> a_to_d_a_NF, Out<Real> b_to_d_b_NF,
                           Out<Real> d_h_to_h_NF) {
    Backend::for_each(context, d_h_to_h_NF.rows, [&](Index n) {
      cpu::glu_backward(activation, d_h_to_h_NF.cols, Real(1), a_to_d_a_NF.row(n).data, b_to_d_b_NF.row(n).data,
                        d_h_to_h_NF.row(n).data);
    });
  }

  /// The dgrad of the gate and up products: d_x = d_a gate + d_b up, group by group.
  template <class Real>
  static void grouped_glu_dgrad(const Context& context, In<Real> d_a_NF, Weights<Real> gate_FD, In<Real> d_b_NF,
                                Weights<Real> up_FD, ListView<Index> offsets, Out<Real> d_x_ND) {
    using Y = Lhs<Product::plain, Real>;
    Y d_a(context, d_a_NF, offsets), d_b(context, d_b_NF, offsets);
    for_each_tile<Y>(
        context, offsets, d_x_ND, [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
          const auto d_x = tile(d_x_ND, row, rows_end, col, cols_end);
          d_a.multiply(worker, g, row, rows_end, {gate_FD[g]}, col, cols_end, d_x, cpu::StoreMode::overwrite);
          d_b.multiply(worker, g, row, rows_end, {up_FD[g]}, col, cols_end, d_x, cpu::StoreMode::accumulate);
        });
  }
};

}  // namespace moe::cpu
