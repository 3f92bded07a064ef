#pragma once

#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "moe/concepts/expert.hpp"
#include "moe/core/matrix.hpp"
#include "moe/modules/linear.hpp"
#include "moe/ops/add.hpp"

namespace moe {

/// No path beside the routed experts.
struct NoAlwaysOn {
  template <class Other>
  using rebind = NoAlwaysOn;
  struct Saved {};
  /// Adds nothing.
  template <class Context, class Input, class Output>
  Saved forward(const Context&, Input, Output) const {
    return {};
  }
  /// Adds nothing.
  template <class Context, class Gradient, class Input, class Output>
  void backward(const Context&, Gradient, Input, Saved, Output, NoAlwaysOn&) const {}
  NoAlwaysOn structure() const { return {}; }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto&, Trees&&...) {}
};

/// y += sigmoid(w . x) FFN(x) for every row: the shared expert of Qwen1.5-MoE, outside the router's softmax.
template <Expert X>
struct SigmoidGatedFfn {
  using Value = typename X::Value;
  using Backend = typename X::Backend;
  using Context = typename Backend::Context;
  using Team = typename Backend::Team;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  template <class Other>
  using rebind = SigmoidGatedFfn<typename X::template rebind<Other>>;

  /// What backward consumes.
  struct Saved {
    /// The gate's logits, and FFN(x).
    Tensor z_T1, y_TD;
    /// What the FFN keeps.
    typename X::GroupSaved ffn;
  };

  /// What every row takes.
  X ffn;
  /// One logit a row, without bias.
  Linear<Value, Backend> gate;

  SigmoidGatedFfn() = default;
  /// All zero, for rows of `width` values and `hidden` inner channels.
  SigmoidGatedFfn(Index width, Index hidden)
      : ffn(width, hidden), gate(Linear<Value, Backend>::without_bias(width, 1)) {}

  /// y_TD += sigmoid(w . x) FFN(x), row by row.
  Saved forward(const Context& context, ConstView x_TD, View<Value, Backend> y_TD) const {
    Saved saved;
    saved.z_T1 = gate.forward_row_by_row(context, x_TD);
    std::tie(saved.y_TD, saved.ffn) = X::forward_groups(context, std::span(&ffn, 1), x_TD, {0, x_TD.rows});
    Backend::for_each_row(context, x_TD.rows,
                          [=, z = std::as_const(saved.z_T1).view(), s = std::as_const(saved.y_TD).view()] MOE_ON_DEVICE(
                              Index t, Team team) {
                            const Value g = sigmoid(z(t, 0));
                            for (Index d = team.rank(); d < y_TD.cols; d += team.size()) y_TD(t, d) += g * s(t, d);
                          });
    return saved;
  }

  /// dg = <d_y, FFN(x)>; adds to d_x what comes through the gate and through the FFN.
  void backward(const Context& context, ConstView d_y_TD, ConstView x_TD, Saved saved, View<Value, Backend> d_x_TD,
                SigmoidGatedFfn& gradient) const {
    auto d_z = Tensor::uninitialized(context, x_TD.rows, 1);
    auto d_s = Tensor::uninitialized(context, x_TD.rows, x_TD.cols);
    Backend::for_each_row(context, x_TD.rows,
                          [=, z = std::as_const(saved.z_T1).view(), s = std::as_const(saved.y_TD).view(),
                           d_z_T1 = d_z.view(), d_s_TD = d_s.view()] MOE_ON_DEVICE(Index t, Team team) {
                            const Value g = sigmoid(z(t, 0));
                            Value d_g = 0;
                            for (Index d = team.rank(); d < s.cols; d += team.size()) {
                              d_g += d_y_TD(t, d) * s(t, d);
                              d_s_TD(t, d) = g * d_y_TD(t, d);
                            }
                            d_g = team.sum(d_g);
                            if (team.rank() == 0) d_z_T1(t, 0) = d_g * g * (1 - g);
                          });
    gate.add_backward_row_by_row(context, d_z, x_TD, gradient.gate, d_x_TD);
    add_to(context,
           X::backward_groups(context, std::span(&ffn, 1), std::as_const(d_s).view(), {0, x_TD.rows}, x_TD,
                              std::move(saved.ffn), std::span(&gradient.ffn, 1)),
           d_x_TD);
  }

  SigmoidGatedFfn structure() const {
    SigmoidGatedFfn tree;
    tree.ffn = ffn.structure();
    tree.gate = gate.structure();
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    X::visit_parameters(visit, prefix + "shared_expert.", trees.ffn...);
    Linear<Value, Backend>::visit_parameters(visit, prefix + "shared_expert_gate.", trees.gate...);
  }

  /// 1 / (1 + exp(-z)).
  MOE_HOST_DEVICE static Value sigmoid(Value z) {
    using std::exp;
    return 1 / (1 + exp(-z));
  }
};

}  // namespace moe
