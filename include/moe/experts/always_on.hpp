#pragma once

#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/sigmoid.hpp"
#include "moe/experts/expert.hpp"
#include "moe/ops/add.hpp"
#include "moe/ops/linear.hpp"

namespace moe {

/// No path beside the routed experts.
struct NoAlwaysOn {
  template <class Other>
  using rebind = NoAlwaysOn;
  struct Saved {};
  /// Computes nothing.
  template <class Context, class Input>
  Saved begin(const Context&, Input) const {
    return {};
  }
  /// Adds nothing.
  template <class Context, class Output>
  Saved finish(const Context&, Saved, Output) const {
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
  /// What the gate is computed and kept in.
  using Real = Wide<Value>;
  using Backend = typename X::Backend;
  using Context = typename Backend::Context;
  /// The threads that share a row.
  using Team = typename Backend::Team;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  template <class Other>
  using rebind = SigmoidGatedFfn<typename X::template rebind<Other>>;

  /// What backward consumes.
  struct Saved {
    /// sigmoid(w . x) of every row.
    Matrix<Real, Backend> g_1T;
    /// What the FFN keeps.
    typename X::GroupSaved ffn;
  };

  /// What begin computes.
  struct Begun {
    /// FFN(x).
    Tensor s_TD;
    /// What backward needs.
    Saved saved;
  };

  /// What every row takes.
  X ffn;
  /// One logit a row, without bias.
  Linear<Real, Backend> gate;

  SigmoidGatedFfn() = default;
  /// All zero, for rows of `width` values and `hidden` inner channels.
  SigmoidGatedFfn(Index width, Index hidden)
      : ffn(width, hidden), gate(Linear<Real, Backend>::without_bias(width, 1)) {}

  /// Throws Error unless it reads rows of `width` values.
  void require_fits(Index width) const {
    require(ffn.width() == width && gate.in() == width && gate.out() == 1, "SigmoidGatedFfn",
            "the path must read rows of ", width, " values, its FFN reads ", ffn.width(), ", its gate ", gate.in());
    if constexpr (requires { ffn.require_consistent("SigmoidGatedFfn"); }) ffn.require_consistent("SigmoidGatedFfn");
  }

  /// Whether `saved` is what finish() keeps of so many rows.
  bool keeps(const Saved& saved, Index rows) const {
    return saved.g_1T.cols() == rows && expert_keeps(ffn, saved.ffn, rows);
  }

  /// sigmoid(w . x) and FFN(x) of every row.
  Begun begin(const Context& context, ConstView x_TD) const {
    Begun begun;
    const auto z_T1 = gate.forward_row_by_row(context, x_TD);
    begun.saved.g_1T = Matrix<Real, Backend>::uninitialized(context, 1, x_TD.rows);
    Backend::for_each_element(
        context, x_TD.rows,
        [z = z_T1.view(), g_1T = begun.saved.g_1T.view()] MOE_ON_DEVICE(Index t) { g_1T(0, t) = sigmoid(z(t, 0)); });
    std::tie(begun.s_TD, begun.saved.ffn) = X::forward_groups(context, std::span(&ffn, 1), x_TD, {0, x_TD.rows});
    return begun;
  }
  /// y_TD += sigmoid(w . x) FFN(x), row by row.
  Saved finish(const Context& context, Begun begun, View<Value, Backend> y_TD) const {
    Backend::for_each_row(context, y_TD.rows,
                          [=, s = std::as_const(begun.s_TD).view(),
                           g_1T = std::as_const(begun.saved.g_1T).view()] MOE_ON_DEVICE(Index t, Team team) {
                            const Real g = g_1T(0, t);
                            for (Index d = team.rank(); d < y_TD.cols; d += team.size())
                              y_TD(t, d) = static_cast<Value>(widened(y_TD(t, d)) + g * widened(s(t, d)));
                          });
    return std::move(begun.saved);
  }

  /// dg = <d_y, FFN(x)>, dz = dg g (1 - g); adds to d_x what comes through the gate and through the FFN.
  template <class Slopes>
  void backward(const Context& context, ConstView d_y_TD, ConstView x_TD, Saved saved, View<Value, Backend> d_x_TD,
                Slopes& gradient) const {
    auto d_z_T1 = Matrix<Real, Backend>::uninitialized(context, x_TD.rows, 1);
    const View<Real, Backend> d_g_1T(d_z_T1.data(), 1, x_TD.rows);
    const auto g_1T = std::as_const(saved.g_1T).view();
    add_to(context,
           X::backward_groups(context, std::span(&ffn, 1), d_y_TD, g_1T, {0, x_TD.rows}, x_TD, std::move(saved.ffn),
                              d_g_1T, ExpertSpan<decltype(gradient.ffn)>(std::span(&gradient.ffn, 1))),
           d_x_TD);
    Backend::for_each_element(context, x_TD.rows, [=, d_z = d_z_T1.view()] MOE_ON_DEVICE(Index t) {
      d_z(t, 0) *= g_1T(0, t) * (1 - g_1T(0, t));
    });
    gate.add_backward_row_by_row(context, d_z_T1, x_TD, gradient.gate, d_x_TD);
  }

  SigmoidGatedFfn structure() const { return structure_as<Value>(); }
  /// The same tree of other values.
  template <class Other>
  rebind<Other> structure_as() const {
    rebind<Other> tree;
    tree.ffn = detail::structure_as<Other>(ffn);
    tree.gate = gate.template structure_as<Wide<Other>>();
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    X::visit_parameters(visit, prefix + "shared_expert.", trees.ffn...);
    Linear<Real, Backend>::visit_parameters(visit, prefix + "shared_expert_gate.", trees.gate...);
  }
};

}  // namespace moe
