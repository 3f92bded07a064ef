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

/// No gate: the shared expert of DeepSeekMoE (arXiv 2401.06066, eq. 9) has weight 1. Several such shared experts equal
/// one FFN with the sum of their inner channels.
template <class Value, class Backend>
struct NoGate {
  using Context = typename Backend::Context;
  /// Gates of the rows; always empty here.
  using Gates = Matrix<Accum<Value>, Backend>;
  /// Prefix of the FFN's weight names.
  static constexpr const char* ffn = "shared_experts.";

  NoGate() = default;
  /// Accepts rows of any width.
  explicit NoGate(Index /*width*/) {}

  /// Accepts every width.
  void require_fits(Index /*width*/) const {}
  /// Whether `g_1T` holds the gates of `rows` rows.
  bool keeps(const Gates& g_1T, Index /*rows*/) const { return g_1T.empty(); }
  /// Returns an empty matrix.
  Gates gates(const Context&, View<const Value, Backend> /*x_TD*/) const { return {}; }
  /// Does nothing: there is no gate to differentiate.
  template <class Gradient>
  void backward(const Context&, const Gates&, Gates, View<const Value, Backend>, Gradient&,
                View<Value, Backend>) const {}

  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto&, Trees&&...) {}
};

/// The gate of Qwen1.5-MoE's shared expert, separate from the router's softmax: g = sigmoid(w . x), one logit per row.
template <class Value, class Backend>
struct SigmoidGate {
  using Context = typename Backend::Context;
  /// Type that gates are computed and stored in.
  using Real = Accum<Value>;
  /// One gate per row, [1, T].
  using Gates = Matrix<Real, Backend>;
  /// Prefix of the FFN's weight names.
  static constexpr const char* ffn = "shared_expert.";

  /// Gate vector w, [1, D].
  Matrix<Real, Backend> weight;

  SigmoidGate() = default;
  /// All zero, for rows of `width` values.
  explicit SigmoidGate(Index width) : weight(1, width) {}

  /// Throws Error unless the gate's weight is [1, width].
  void require_fits(Index width) const {
    require(weight.rows() == 1 && weight.cols() == width, "SharedExpert", "the gate's weight must be 1 x ", width,
            " as rows have ", counted(width, "values"), ", got ", weight.rows(), " x ", weight.cols());
  }
  /// Whether `g_1T` holds the gates of `rows` rows.
  bool keeps(const Gates& g_1T, Index rows) const { return g_1T.cols() == rows; }
  /// g of every row, [1, T].
  Gates gates(const Context& context, View<const Value, Backend> x_TD) const {
    auto z_T1 = Gates::uninitialized(context, x_TD.rows, 1), g_1T = Gates::uninitialized(context, 1, x_TD.rows);
    Backend::row_products(context, x_TD, weight, z_T1.view());
    Backend::for_each_element(context, x_TD.rows, [z = z_T1.const_view(), g = g_1T.view()] MOE_ON_DEVICE(Index t) {
      g(0, t) = sigmoid(z(t, 0));
    });
    return g_1T;
  }
  /// d_z = d_g g (1 - g); adds the gate's dgrad to d_x_TD and its wgrad to `gradient`.
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

/// A shared expert, which processes every row in addition to the routed experts: y += g(x) FFN(x). Gate is SigmoidGate,
/// or NoGate for g = 1.
template <Expert X, template <class, class> class Gate>
struct SharedExpert {
  using Value = typename X::Value;
  using Backend = typename X::Backend;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// The threads that process one row together.
  using Team = typename Backend::Team;
  /// Type that gates are computed and stored in.
  using Real = Accum<Value>;
  /// Type of the gate.
  using GateType = Gate<Value, Backend>;
  template <class Other>
  using rebind = SharedExpert<typename X::template rebind<Other>, Gate>;

  /// Tensors that backward consumes.
  struct Saved {
    /// g of every row, [1, T]; empty without a gate.
    Matrix<Real, Backend> g_1T;
    /// Saved by the FFN.
    typename X::GroupSaved ffn;
  };
  /// Result of begin().
  struct Begun {
    /// FFN(x) without the gate.
    Tensor s_TD;
    /// Tensors saved for backward.
    Saved saved;
  };

  /// FFN that every row passes through.
  X ffn;
  /// Gate of the FFN's output.
  GateType gate;

  SharedExpert() = default;
  /// All zero, for rows of `width` values and `hidden` inner channels.
  SharedExpert(Index width, Index hidden) : ffn(width, hidden), gate(width) {}

  /// Throws Error unless FFN and gate read rows of `width` values.
  void require_fits(Index width) const {
    require(ffn.width() == width, "SharedExpert", "the path must read rows of ", counted(width, "values"),
            ", its FFN reads ", ffn.width());
    gate.require_fits(width);
    if constexpr (requires { ffn.require_consistent("SharedExpert"); }) ffn.require_consistent("SharedExpert");
  }
  /// Whether `saved` comes from finish() over `rows` rows and has not been consumed.
  bool keeps(const Saved& saved, Index rows) const {
    return gate.keeps(saved.g_1T, rows) && expert_keeps(ffn, saved.ffn, rows);
  }

  /// Computes g and FFN(x) of every row.
  Begun begin(const Context& context, ConstView x_TD) const {
    Begun begun;
    begun.saved.g_1T = gate.gates(context, x_TD);
    // Named because nvcc 13 drops a temporary span in the conversion to ExpertSpan.
    const std::span<const X> one(&ffn, 1);
    std::tie(begun.s_TD, begun.saved.ffn) = X::forward_groups(context, one, x_TD, {0, x_TD.rows});
    return begun;
  }
  /// y_TD += g FFN(x); returns the tensors saved for backward.
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
  /// d_g = <d_y, FFN(x)>; adds the dgrad of FFN and gate to d_x_TD and their wgrad to `gradient`.
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
  /// The same tree with values of type Other, every tensor empty.
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
