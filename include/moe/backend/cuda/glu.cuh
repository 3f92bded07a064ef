#pragma once

#include "moe/backend/cuda/context.cuh"
#include "moe/backend/cuda/packets.cuh"
#include "moe/backend/cuda/side_by_side.cuh"
#include "moe/backend/cuda/swiglu.cuh"
#include "moe/core/bfloat16.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/matrix.hpp"

namespace moe::gpu {

/// The three products of a SwiGLU, and what is computed between them.
template <class Backend, class Device>
class GluOperations {
  using Context = gpu::Context<Backend, Device>;
  using Team = typename Device::Team;
  template <class Value>
  using In = gpu::In<Value, Backend>;
  template <class Value>
  using Out = View<Value, Backend>;
  template <class Value>
  using Weights = gpu::Weights<Value, Backend>;

 public:
  /// a = x gate^T, b = x up^T, h = silu(a) b, group by group. a and b may be empty: not kept.
  template <class Value>
  static void grouped_swiglu(const Context& context, In<Value> x_ND, Weights<Value> gate_FD, Weights<Value> up_FD,
                             const GroupOffsets& offsets, Out<Value> a_NF, Out<Value> b_NF, Out<Value> h_NF) {
    const bool kept = !a_NF.empty();
    auto b_here = Matrix<Value, Backend>::uninitialized(context, kept ? 0 : h_NF.rows, h_NF.cols);
    const Out<Value> a = kept ? a_NF : h_NF, b = kept ? b_NF : b_here.view();
    gpu::SideBySide<Value, Value, Backend> products(context, 2 * offsets.groups());
    gpu::each_known_first(products, 2, offsets, [&](int which, Index g, Index begin, Index end) {
      const Out<Value> result = which == 0 ? a : b;
      products.template add<Product::right_transposed>(
          {x_ND.rows_between(begin, end), which == 0 ? gate_FD[g] : up_FD[g], result.rows_between(begin, end), false});
    });
    products.end();
    swiglu<Value>(context, a, b, h_NF);
  }

  /// d_h = gates_n d_y down, and from it d_a = d_h b sig(a) (1 + a (1 - sig(a))) and d_b = d_h silu(a), each in the
  /// memory of its input; gates_n h, with h = silu(a) b once more; d_gates_n = <d_y_n down, h_n>. Without gates they
  /// are 1 and d_gates is not written.
  template <class Value, class Real = Wide<Value>>
  static void grouped_swiglu_back(const Context& context, In<Value> d_y_ND, Weights<Value> down_DF,
                                  ListView<Index> offsets, In<Real> gates_1N, Out<Value> a_to_d_a_NF,
                                  Out<Value> b_to_d_b_NF, Out<Value> h_NF, Out<Real> d_gates_1N) {
    gpu::multiply<Product::plain, Backend, Value>(context, offsets, [&](Index g, Index begin, Index end) {
      return gpu::Operands<Value, Value, Backend>{d_y_ND.rows_between(begin, end), down_DF[g],
                                                  h_NF.rows_between(begin, end), false};
    });
    swiglu_back<Value>(context, a_to_d_a_NF, b_to_d_b_NF, h_NF, gates_1N, d_gates_1N);
  }

  /// h = silu(a) b, value by value. h may be a.
  template <class Value>
  static void swiglu(const Context& context, In<Value> a_NF, In<Value> b_NF, Out<Value> h_NF) {
    using Real = Wide<Value>;
    constexpr int width = gpu::packet<Value>;
    const bool aligned = gpu::all_aligned<width>(a_NF, b_NF, h_NF);
    Backend::for_each_row(context, h_NF.rows, [=] MOE_ON_DEVICE(Index n, Team team) {
      gpu::for_each_packet<width>(team, h_NF.cols, [&](Index at, auto taken) {
        constexpr int count = decltype(taken)::value;
        gpu::Numbers<Real, count> a, b;
        gpu::load<count>(&a_NF(n, at), aligned, a);
        gpu::load<count>(&b_NF(n, at), aligned, b);
        for (int i = 0; i < count; ++i) a[i] = gpu::swiglu(a[i], b[i]);
        gpu::store<count>(&h_NF(n, at), aligned, a);
      });
    });
  }

  /// d_h, times the gate, becomes d_a, d_b and, where it was, gates_n h; d_gates_n as in grouped_swiglu_back.
  template <class Value, class Real = Wide<Value>>
  static void swiglu_back(const Context& context, Out<Value> a_to_d_a_NF, Out<Value> b_to_d_b_NF, Out<Value> h_NF,
                          In<Real> gates_1N = {}, Out<Real> d_gates_1N = {}) {
    constexpr int width = gpu::packet<Value>;
    const bool aligned = gpu::all_aligned<width>(a_to_d_a_NF, b_to_d_b_NF, h_NF), has_gates = !gates_1N.empty();
    Backend::for_each_row(context, h_NF.rows, [=] MOE_ON_DEVICE(Index n, Team team) {
      const Real gate = has_gates ? gates_1N(0, n) : Real(1);
      Real sum = 0;
      gpu::for_each_packet<width>(team, h_NF.cols, [&](Index at, auto taken) {
        constexpr int count = decltype(taken)::value;
        gpu::Numbers<Real, count> a, b, d_h;
        gpu::load<count>(&a_to_d_a_NF(n, at), aligned, a);
        gpu::load<count>(&b_to_d_b_NF(n, at), aligned, b);
        gpu::load<count>(&h_NF(n, at), aligned, d_h);
        for (int i = 0; i < count; ++i) sum += gpu::swiglu_back(gate, a[i], b[i], d_h[i]);
        gpu::store<count>(&a_to_d_a_NF(n, at), aligned, a);
        gpu::store<count>(&b_to_d_b_NF(n, at), aligned, b);
        gpu::store<count>(&h_NF(n, at), aligned, d_h);
      });
      sum = team.sum(sum);
      if (has_gates && team.rank() == 0) d_gates_1N(0, n) = sum;
    });
  }

  /// d_x = d_a gate + d_b up, group by group.
  template <class Value>
  static void grouped_swiglu_input_gradient(const Context& context, In<Value> d_a_NF, Weights<Value> gate_FD,
                                            In<Value> d_b_NF, Weights<Value> up_FD, ListView<Index> offsets,
                                            Out<Value> d_x_ND) {
    gpu::multiply<Product::plain, Backend, Value>(context, offsets, [&](Index g, Index begin, Index end) {
      return gpu::Operands<Value, Value, Backend>{d_a_NF.rows_between(begin, end), gate_FD[g],
                                                  d_x_ND.rows_between(begin, end), false};
    });
    Backend::template add_grouped_product_back<Value>(context, d_b_NF, up_FD, offsets, d_x_ND);
  }
};

}  // namespace moe::gpu
