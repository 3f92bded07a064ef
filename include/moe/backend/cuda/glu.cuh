#pragma once

#include "moe/backend/cuda/context.cuh"
#include "moe/backend/cuda/glu_row.cuh"
#include "moe/backend/cuda/independent_products.cuh"
#include "moe/backend/cuda/vector_access.cuh"
#include "moe/core/activation.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/matrix.hpp"

namespace moe::gpu {

/// The three products of a GLU and the elementwise operations between them.
template <class Backend, class Device>
class GluOperations {
  using Context = gpu::Context<Backend, Device>;
  template <class Value>
  using In = gpu::In<Value, Backend>;
  template <class Value>
  using Out = View<Value, Backend>;
  template <class Value>
  using Weights = gpu::Weights<Value, Backend>;

 public:
  /// a = x gate^T, b = x up^T, h = activation(a) b, group by group. Empty a and b are not stored.
  template <Activation A, class Value>
  static void grouped_glu(const Context& context, const A& activation, In<Value> x_ND, Weights<Value> gate_FD,
                          Weights<Value> up_FD, const GroupOffsets& offsets, Out<Value> a_NF, Out<Value> b_NF,
                          Out<Value> h_NF) {
    const bool kept = !a_NF.empty();
    auto b_here = Matrix<Value, Backend>::uninitialized(context, kept ? 0 : h_NF.rows, h_NF.cols);
    const Out<Value> a = kept ? a_NF : h_NF, b = kept ? b_NF : b_here.view();
    gpu::IndependentProducts<Value, Value, Backend> products(context, 2 * offsets.groups());
    gpu::each_known_first(products, 2, offsets, [&](int which, Index g, Index begin, Index end) {
      const Out<Value> result = which == 0 ? a : b;
      products.template add<Product::right_transposed>(
          {x_ND.rows_between(begin, end), which == 0 ? gate_FD[g] : up_FD[g], result.rows_between(begin, end), false});
    });
    products.end();
    glu(context, activation, a, b, h_NF);
  }

  /// With d_h = gates_n d_y down: a becomes d_a = d_h b activation'(a), b becomes d_b = d_h activation(a), h receives
  /// gates_n h with h = activation(a) b recomputed, and d_gates_n = <d_y_n down, h_n>. An empty b stands for all ones.
  /// Empty gates stand for all ones as well; d_gates is then not written.
  template <Activation A, class Value, class Real = Accum<Value>>
  static void grouped_glu_backward(const Context& context, const A& activation, In<Value> d_y_ND,
                                   Weights<Value> down_DF, ListView<Index> offsets, In<Real> gates_1N,
                                   Out<Value> a_to_d_a_NF, Out<Value> b_to_d_b_NF, Out<Value> h_NF,
                                   Out<Real> d_gates_1N) {
    gpu::multiply<Product::plain, Backend, Value>(context, offsets, [&](Index g, Index begin, Index end) {
      return ProductOf<Value, Value, Backend>{d_y_ND.rows_between(begin, end), down_DF[g],
                                              h_NF.rows_between(begin, end), false};
    });
    glu_backward<A, Value>(context, activation, a_to_d_a_NF, b_to_d_b_NF, h_NF, gates_1N, d_gates_1N);
  }

  /// h = activation(a) b elementwise, or activation(a) if b is empty. h may be a.
  template <Activation A, class Value>
  static void glu(const Context& context, const A& activation, In<Value> a_NF, In<Value> b_NF, Out<Value> h_NF) {
    const bool aligned = gpu::all_aligned<gpu::packet<Value>>(a_NF, b_NF, h_NF);
    if (b_NF.empty())
      Backend::for_each_row(context, h_NF.rows,
                            gpu::GluRow<false, Backend, Value, A>{a_NF, b_NF, h_NF, aligned, activation});
    else
      Backend::for_each_row(context, h_NF.rows,
                            gpu::GluRow<true, Backend, Value, A>{a_NF, b_NF, h_NF, aligned, activation});
  }

  /// The backward of glu, with d_y down as the input in h: a, b, h and d_gates receive d_a, d_b, gates_n h and
  /// d_gates_n as in grouped_glu_backward.
  template <Activation A, class Value, class Real = Accum<Value>>
  static void glu_backward(const Context& context, const A& activation, Out<Value> a_to_d_a_NF, Out<Value> b_to_d_b_NF,
                           Out<Value> h_NF, In<Real> gates_1N = {}, Out<Real> d_gates_1N = {}) {
    const bool aligned = gpu::all_aligned<gpu::packet<Value>>(a_to_d_a_NF, b_to_d_b_NF, h_NF);
    const bool has_gates = !gates_1N.empty();
    if (b_to_d_b_NF.empty())
      Backend::for_each_row(context, h_NF.rows,
                            gpu::GluBackwardRow<false, Backend, Value, A>{a_to_d_a_NF, b_to_d_b_NF, h_NF, gates_1N,
                                                                          d_gates_1N, aligned, has_gates, activation});
    else
      Backend::for_each_row(context, h_NF.rows,
                            gpu::GluBackwardRow<true, Backend, Value, A>{a_to_d_a_NF, b_to_d_b_NF, h_NF, gates_1N,
                                                                         d_gates_1N, aligned, has_gates, activation});
  }

  /// The dgrad of the gate and up products: d_x = d_a gate + d_b up, group by group.
  template <class Value>
  static void grouped_glu_dgrad(const Context& context, In<Value> d_a_NF, Weights<Value> gate_FD, In<Value> d_b_NF,
                                Weights<Value> up_FD, ListView<Index> offsets, Out<Value> d_x_ND) {
    gpu::multiply<Product::plain, Backend, Value>(context, offsets, [&](Index g, Index begin, Index end) {
      return ProductOf<Value, Value, Backend>{d_a_NF.rows_between(begin, end), gate_FD[g],
                                              d_x_ND.rows_between(begin, end), false};
    });
    Backend::template add_grouped_dgrad<Value>(context, d_b_NF, up_FD, offsets, d_x_ND);
  }
};

}  // namespace moe::gpu
