#pragma once

#include <span>
#include <tuple>
#include <utility>

#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/sigmoid.hpp"
#include "moe/experts/expert.hpp"
#include "moe/ops/add.hpp"

namespace moe {

/// The gate of a shared expert that nothing weighs: DeepSeekMoE's (arXiv 2401.06066, eq. 9). Several shared experts of
/// that kind are one FFN of their inner channels together.
template <class Value, class Backend>
struct NoGate {
  using Context = typename Backend::Context;
  /// One a row: here none.
  using Gates = Matrix<Accum<Value>, Backend>;
  /// What the names of the FFN's weights begin with.
  static constexpr const char* ffn = "shared_experts.";

  NoGate() = default;
  /// For rows of any width.
  explicit NoGate(Index /*width*/) {}

  /// Every width will do.
  void require_fits(Index /*width*/) const {}
  /// Whether `g_1T` are the gates of so many rows.
  bool keeps(const Gates& g_1T, Index /*rows*/) const { return g_1T.empty(); }
  /// None.
  Gates gates(const Context&, View<const Value, Backend> /*x_TD*/) const { return {}; }
  /// Adds nothing.
  template <class Gradient>
  void backward(const Context&, const Gates&, Gates, View<const Value, Backend>, Gradient&,
                View<Value, Backend>) const {}

  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto&, Trees&&...) {}
};

/// The gate of Qwen1.5-MoE's shared expert, outside the router's softmax: g = sigmoid(w . x), one logit a row.
template <class Value, class Backend>
struct SigmoidGate {
  using Context = typename Backend::Context;
  /// What gates are computed and kept in.
  using Real = Accum<Value>;
  /// One a row.
  using Gates = Matrix<Real, Backend>;
  /// What the names of the FFN's weights begin with.
  static constexpr const char* ffn = "shared_expert.";

  /// w, [1, D].
  Matrix<Real, Backend> weight;

  SigmoidGate() = default;
  /// All zero, for rows of `width` values.
  explicit SigmoidGate(Index width) : weight(1, width) {}

  /// Throws Error unless it reads rows of `width` values.
  void require_fits(Index width) const {
    require(weight.rows() == 1 && weight.cols() == width, "SharedExpert", "the gate's weight must be 1 x ", width,
            " as rows have ", counted(width, "values"), ", got ", weight.rows(), " x ", weight.cols());
  }
  /// Whether `g_1T` are the gates of so many rows.
  bool keeps(const Gates& g_1T, Index rows) const { return g_1T.cols() == rows; }
  /// g of every row.
  Gates gates(const Context& context, View<const Value, Backend> x_TD) const {
    auto z_T1 = Gates::uninitialized(context, x_TD.rows, 1), g_1T = Gates::uninitialized(context, 1, x_TD.rows);
    Backend::row_products(context, x_TD, weight, z_T1.view());
    Backend::for_each_element(context, x_TD.rows, [z = z_T1.const_view(), g = g_1T.view()] MOE_ON_DEVICE(Index t) {
      g(0, t) = sigmoid(z(t, 0));
    });
    return g_1T;
  }
  /// d_z = d_g g (1 - g); adds to d_x and to the gradient what comes through the gate.
  template <class Gradient>
  void backward(const Context& context, const Gates& g_1T, Gates d_g_1T, View<const Value, Backend> x_TD,
                Gradient& gradient, View<Value, Backend> d_x_TD) const {
    const View<Real, Backend> d_z_T1(d_g_1T.data(), x_TD.rows, 1);
    Backend::for_each_element(context, x_TD.rows, [d_z_T1, g_1T = g_1T.view()] MOE_ON_DEVICE(Index t) {
      d_z_T1(t, 0) *= g_1T(0, t) * (1 - g_1T(0, t));
    });
    if (!gradient.weight.empty()) Backend::add_row_wgrad(context, d_z_T1, x_TD, gradient.weight.view());
    Backend::add_row_dgrad(context, d_z_T1, weight, d_x_TD);
  }

  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "shared_expert_gate.weight", trees.weight...);
  }
};

/// y += g(x) FFN(x) for every row, beside the routed experts: an always-on path. Gate: SigmoidGate, or NoGate for g
/// = 1.
template <Expert X, template <class, class> class Gate>
struct SharedExpert {
  using Value = typename X::Value;
  using Backend = typename X::Backend;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// The threads that share a row.
  using Team = typename Backend::Team;
  /// What gates are computed and kept in.
  using Real = Accum<Value>;
  /// The gate, and its gradient in the values of the tree.
  using GateType = Gate<Value, Backend>;
  template <class Other>
  using rebind = SharedExpert<typename X::template rebind<Other>, Gate>;

  /// What backward consumes.
  struct Saved {
    /// g of every row; empty where there is no gate.
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
  /// What weighs it.
  GateType gate;

  SharedExpert() = default;
  /// All zero, for rows of `width` values and `hidden` inner channels.
  SharedExpert(Index width, Index hidden) : ffn(width, hidden), gate(width) {}

  /// Throws Error unless it reads rows of `width` values.
  void require_fits(Index width) const {
    require(ffn.width() == width, "SharedExpert", "the path must read rows of ", counted(width, "values"),
            ", its FFN reads ", ffn.width());
    gate.require_fits(width);
    if constexpr (requires { ffn.require_consistent("SharedExpert"); }) ffn.require_consistent("SharedExpert");
  }
  /// Whether `saved` is what finish() keeps of so many rows.
  bool keeps(const Saved& saved, Index rows) const {
    return gate.keeps(saved.g_1T, rows) && expert_keeps(ffn, saved.ffn, rows);
  }

  /// g and FFN(x) of every row.
  Begun begin(const Context& context, ConstView x_TD) const {
    Begun begun;
    begun.saved.g_1T = gate.gates(context, x_TD);
    // It has a name because nvcc 13 forgets the span where a temporary one becomes an ExpertSpan.
    const std::span<const X> one(&ffn, 1);
    std::tie(begun.s_TD, begun.saved.ffn) = X::forward_groups(context, one, x_TD, {0, x_TD.rows});
    return begun;
  }
  /// y_TD += g FFN(x), row by row.
  Saved finish(const Context& context, Begun begun, View<Value, Backend> y_TD) const {
    if (begun.saved.g_1T.empty()) {
      add_to(context, begun.s_TD, y_TD);
      return std::move(begun.saved);
    }
    Backend::for_each_row(
        context, y_TD.rows,
        [=, s = begun.s_TD.const_view(), g_1T = begun.saved.g_1T.const_view()] MOE_ON_DEVICE(Index t, Team team) {
          const Real g = g_1T(0, t);
          for (Index d = team.rank(); d < y_TD.cols; d += team.size())
            y_TD(t, d) = static_cast<Value>(widened(y_TD(t, d)) + g * widened(s(t, d)));
        });
    return std::move(begun.saved);
  }
  /// d_g = <d_y, FFN(x)>; adds to d_x_TD and into the gradient what comes through the FFN and through the gate.
  template <class GradientTree>
  void backward(const Context& context, ConstView d_y_TD, ConstView x_TD, Saved saved, View<Value, Backend> d_x_TD,
                GradientTree& gradient) const {
    auto d_g_1T = Matrix<Real, Backend>::uninitialized(context, 1, saved.g_1T.cols());
    const std::span<const X> one(&ffn, 1);
    const std::span slopes(&gradient.ffn, 1);
    add_to(context,
           X::backward_groups(context, one, d_y_TD, saved.g_1T.const_view(), {0, x_TD.rows}, x_TD, std::move(saved.ffn),
                              d_g_1T.view(), ExpertSpan<decltype(gradient.ffn)>(slopes)),
           d_x_TD);
    gate.backward(context, saved.g_1T, std::move(d_g_1T), x_TD, gradient.gate, d_x_TD);
  }

  SharedExpert empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree of other values.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.ffn = detail::empty_tree_of<Other>(ffn);
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    X::visit_parameters(visit, prefix + GateType::ffn, trees.ffn...);
    GateType::visit_parameters(visit, prefix, trees.gate...);
  }
};

}  // namespace moe
