#pragma once

#include <concepts>

#include "moe/core/activation.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace contract {

/// Stands for any activation in the concepts below: operations accept every Activation, including a user's own.
struct SomeActivation {
  /// Returns z.
  template <class Real>
  MOE_HOST_DEVICE Real value(Real z) const {
    return z;
  }
  /// Returns 1.
  template <class Real>
  MOE_HOST_DEVICE Real derivative(Real) const {
    return 1;
  }
};
static_assert(Activation<SomeActivation>);

/// grouped_glu(context, activation, x_ND, gate_FD, up_FD, offsets, a_NF, b_NF, h_NF): a = x gate^T, b = x up^T,
/// h = activation(a) b (core/activation.hpp); empty a and b are not written.
template <class B, class Value>
concept HasGroupedGlu = requires(const typename B::Context& context, const SomeActivation& activation,
                                 const Matrix<Value, B>& x_ND, ListView<View<const Value, B>> gate_FD,
                                 ListView<View<const Value, B>> up_FD, const GroupOffsets& offsets, View<Value, B> a_NF,
                                 View<Value, B> b_NF, View<Value, B> h_NF) {
  { B::grouped_glu(context, activation, x_ND, gate_FD, up_FD, offsets, a_NF, b_NF, h_NF) } -> std::same_as<void>;
};

/// grouped_glu_backward(context, activation, d_y_ND, down_DF, offsets, gates_1N, a_NF, b_NF, h_NF, d_gates_1N): d_h =
/// gate d_y down; a becomes d_a, b becomes d_b, h becomes gate h, which is recomputed, and d_gate = <d_y down, h>. An
/// empty b counts as all 1. Empty gates count as all 1, and d_gates is then not written.
template <class B, class Value>
concept HasGroupedGluBackward = requires(const typename B::Context& context, const SomeActivation& activation,
                                         const Matrix<Value, B>& d_y_ND, ListView<View<const Value, B>> down_DF,
                                         ListView<Index> offsets, const Matrix<Accum<Value>, B>& gates_1N,
                                         View<Value, B> a_NF, View<Value, B> b_NF, View<Value, B> h_NF,
                                         View<Accum<Value>, B> d_gates_1N) {
  {
    B::grouped_glu_backward(context, activation, d_y_ND, down_DF, offsets, gates_1N, a_NF, b_NF, h_NF, d_gates_1N)
    } -> std::same_as<void>;
};

/// grouped_glu_dgrad(context, d_a_NF, gate_FD, d_b_NF, up_FD, offsets, d_x_ND): d_x = d_a gate + d_b up.
template <class B, class Value>
concept HasGroupedGluDgrad = requires(const typename B::Context& context, const Matrix<Value, B>& d_a_NF,
                                      ListView<View<const Value, B>> gate_FD, const Matrix<Value, B>& d_b_NF,
                                      ListView<View<const Value, B>> up_FD, ListView<Index> offsets,
                                      View<Value, B> d_x_ND) {
  { B::grouped_glu_dgrad(context, d_a_NF, gate_FD, d_b_NF, up_FD, offsets, d_x_ND) } -> std::same_as<void>;
};

/// glu(context, activation, a_NF, b_NF, h_NF): h = activation(a) b, where a and b are sums of products; h may
/// alias a. An empty b counts as all 1.
template <class B, class Value>
concept HasGlu = requires(const typename B::Context& context, const SomeActivation& activation,
                          const Matrix<Value, B>& a_NF, const Matrix<Value, B>& b_NF, View<Value, B> h_NF) {
  { B::glu(context, activation, a_NF, b_NF, h_NF) } -> std::same_as<void>;
  { B::glu(context, activation, a_NF, {}, h_NF) } -> std::same_as<void>;
};

/// glu_backward(context, activation, a_NF, b_NF, d_h_NF): a becomes d_a, b becomes d_b, d_h becomes h.
template <class B, class Value>
concept HasGluBackward = requires(const typename B::Context& context, const SomeActivation& activation,
                                  View<Value, B> a_NF, View<Value, B> b_NF, View<Value, B> d_h_NF) {
  { B::glu_backward(context, activation, a_NF, b_NF, d_h_NF) } -> std::same_as<void>;
};

}  // namespace contract

/// The products of a GLU with the operations fused into them, and its activation alone. Groups as in gemm.hpp.
template <class B, class Value>
concept GluBackend = contract::HasGroupedGlu<B, Value> && contract::HasGroupedGluBackward<B, Value> &&
    contract::HasGroupedGluDgrad<B, Value> && contract::HasGlu<B, Value> && contract::HasGluBackward<B, Value>;

namespace contract {

/// Names the missing operation of GluBackend.
template <class B, class Value>
constexpr bool check_glu() {
  static_assert(
      HasGroupedGlu<B, Value>,
      "Backend: grouped_glu(context, activation, x_ND, gate_FD, up_FD, offsets, a_NF, b_NF, h_NF) is missing or has "
      "another signature, see moe/backend/contract/glu.hpp");
  static_assert(
      HasGroupedGluBackward<B, Value>,
      "Backend: grouped_glu_backward(context, activation, d_y_ND, down_DF, offsets, gates_1N, a_NF, b_NF, h_NF, "
      "d_gates_1N) is missing or has another signature, see moe/backend/contract/glu.hpp");
  static_assert(HasGroupedGluDgrad<B, Value>,
                "Backend: grouped_glu_dgrad(context, d_a_NF, gate_FD, d_b_NF, up_FD, offsets, d_x_ND) is "
                "missing or has another signature, see moe/backend/contract/glu.hpp");
  static_assert(HasGlu<B, Value>,
                "Backend: glu(context, activation, a_NF, b_NF, h_NF) is missing or has another signature, see "
                "moe/backend/contract/glu.hpp");
  static_assert(
      HasGluBackward<B, Value>,
      "Backend: glu_backward(context, activation, a_NF, b_NF, d_h_NF) is missing or has another signature, see "
      "moe/backend/contract/glu.hpp");
  return GluBackend<B, Value>;
}

}  // namespace contract

}  // namespace moe
