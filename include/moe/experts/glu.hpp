#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

#include "moe/core/activation.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/trees.hpp"
#include "moe/experts/as_layer.hpp"
#include "moe/experts/biases.hpp"
#include "moe/experts/channels.hpp"
#include "moe/experts/expert.hpp"
#include "moe/experts/weight_list.hpp"
#include "moe/ops/group_bias.hpp"

namespace moe {

namespace detail {

/// Bias vectors of a GLU; empty without biases.
template <class Value, class Backend, class Biases>
struct GluBiases {
  GluBiases() = default;
  GluBiases(Index /*width*/, Index /*hidden*/) {}
};
template <class Value, class Backend>
struct GluBiases<Value, Backend, WithBiases> {
  /// Biases of gate_proj [F], up_proj [F] and down_proj [D].
  Vector<Value, Backend> gate_bias, up_bias, down_bias;

  GluBiases() = default;
  GluBiases(Index width, Index hidden) : gate_bias(hidden), up_bias(hidden), down_bias(width) {}
};

}  // namespace detail

/// Gated FFN (Shazeer 2020, arXiv 2002.05202): FFN(x) = W_down (activation(W_gate x) * (W_up x)), without biases or
/// with one for each product. Weights are stored [out, in]: gate_proj and up_proj [F, D], down_proj [D, F].
template <class Activation_, class Value_, class Backend_, class Biases = WithoutBiases>
struct Glu : AsLayer<Glu<Activation_, Value_, Backend_, Biases>, Value_, Backend_>,
             detail::GluBiases<Value_, Backend_, Biases> {
  static_assert(moe::Activation<Activation_>,
                "Glu: 1st argument must be an Activation such as Silu: Real value(Real) const, Real derivative(Real)");
  static_assert(std::same_as<Biases, WithoutBiases> || std::same_as<Biases, WithBiases>,
                "Glu: 4th argument must be WithBiases or WithoutBiases");

  /// Base that makes the expert a dense layer.
  using Layer = AsLayer<Glu, Value_, Backend_>;
  using Activation = Activation_;
  using Value = Value_;
  using Backend = Backend_;
  using typename Layer::ConstGates;
  using typename Layer::ConstView;
  using typename Layer::Context;
  using typename Layer::Gates;
  using typename Layer::Tensor;
  template <class Other>
  using rebind = Glu<Activation_, Other, Backend, Biases>;
  /// Whether each product adds a bias.
  static constexpr bool has_biases = std::same_as<Biases, WithBiases>;
  /// Name in error messages.
  static constexpr std::string_view name = std::same_as<Activation, Silu> && !has_biases ? "SwiGlu" : "Glu";

  /// Tensors that forward_groups saves for backward_groups.
  struct GroupSaved {
    /// W_gate x, the activation's argument, and W_up x, its factor; biases included.
    Tensor a_NF, b_NF;
  };

  /// Weights W_gate [F, D], W_up [F, D] and W_down [D, F].
  Tensor gate_proj, up_proj, down_proj;

  Glu() = default;
  /// Zero weights for rows of `width` values and `hidden` inner channels.
  Glu(Index width, Index hidden)
      : detail::GluBiases<Value, Backend, Biases>(width, hidden),
        gate_proj(hidden, width),
        up_proj(hidden, width),
        down_proj(width, hidden) {}

  Index width() const { return down_proj.rows(); }
  /// Number of inner channels, F.
  Index hidden() const { return down_proj.cols(); }

  /// Throws Error if the weights' shapes do not match each other.
  void require_consistent(std::string_view where) const {
    require(gate_proj.rows() == hidden() && gate_proj.cols() == width() && SameShape{}(gate_proj, up_proj), where,
            "gate_proj and up_proj must be ", hidden(), " x ", width(), " as down_proj is ", width(), " x ", hidden(),
            ", got ", gate_proj.rows(), " x ", gate_proj.cols(), " and ", up_proj.rows(), " x ", up_proj.cols());
    if constexpr (has_biases)
      require(
          this->gate_bias.size() == hidden() && this->up_bias.size() == hidden() && this->down_bias.size() == width(),
          where, "biases must have ", hidden(), ", ", hidden(), " and ", width(), " values, got ",
          this->gate_bias.size(), ", ", this->up_bias.size(), " and ", this->down_bias.size());
  }
  /// Whether `saved` comes from forward_groups over `rows` rows and has not been consumed.
  bool keeps(const GroupSaved& saved, Index rows) const {
    return saved.a_NF.rows() == rows && saved.a_NF.cols() == hidden() && SameShape{}(saved.a_NF, saved.b_NF);
  }

  // --- rows [offsets[e], offsets[e+1]) go through experts[e] ---------------------------------------------------------

  /// x_ND -> y_ND and the tensors saved for backward_groups.
  static std::pair<Tensor, GroupSaved> forward_groups(const Context& context, ExpertSpan<const Glu> experts,
                                                      ConstView x_ND, const GroupOffsets& offsets) {
    const Index hidden = experts.any_here().hidden();
    GroupSaved saved{Tensor::uninitialized(context, x_ND.rows, hidden),
                     Tensor::uninitialized(context, x_ND.rows, hidden)};
    auto y_ND = answer(context, experts, x_ND, offsets, saved.a_NF.view(), saved.b_NF.view());
    return {std::move(y_ND), std::move(saved)};
  }

  /// d_y_ND -> d_x_ND for y_n = gates_n FFN(x_n), or y_n = FFN(x_n) without gates; adds into `gradients`, skipping
  /// empty tensors, and writes d_gates_n = <d_y_n, FFN(x_n)>, computed as <d_y_n W_down, h_n> plus, with biases,
  /// <d_y_n, bias_down>. d_h = gates_n d_y W_down, d_x = d_a W_gate + d_b W_up, d_W_down = d_y^T (gates_n h).
  template <class GradientTree>
  static Tensor backward_groups(const Context& context, ExpertSpan<const Glu> experts, ConstView d_y_ND,
                                ConstGates gates_1N, ListView<Index> offsets, ConstView x_ND, GroupSaved saved,
                                Gates d_gates_1N, ExpertSpan<GradientTree> gradients) {
    auto h_NF = Tensor::uninitialized(context, x_ND.rows, experts.any_here().hidden());
    Backend::grouped_glu_backward(context, Activation{}, d_y_ND, weights_of(context, experts, &Glu::down_proj), offsets,
                                  gates_1N, saved.a_NF.view(), saved.b_NF.view(), h_NF.view(), d_gates_1N);
    const Tensor d_a_NF = std::move(saved.a_NF), d_b_NF = std::move(saved.b_NF);
    add_wgrads<Value, Backend>(context, d_y_ND, h_NF, offsets, gradients, &GradientTree::down_proj);
    add_wgrads<Value, Backend>(context, d_b_NF, x_ND, offsets, gradients, &GradientTree::up_proj);
    add_wgrads<Value, Backend>(context, d_a_NF, x_ND, offsets, gradients, &GradientTree::gate_proj);
    if constexpr (has_biases) {
      using GradientValue = typename GradientTree::Value;
      if (!gates_1N.empty())
        add_group_bias_products(context, d_y_ND, weights_of(context, experts, &Glu::down_bias), offsets, d_gates_1N);
      add_group_bias_gradients<GradientValue>(context, d_y_ND, gates_1N, offsets,
                                              gradient_views(context, gradients, &GradientTree::down_bias));
      add_group_bias_gradients<GradientValue>(context, d_b_NF.view(), {}, offsets,
                                              gradient_views(context, gradients, &GradientTree::up_bias));
      add_group_bias_gradients<GradientValue>(context, d_a_NF.view(), {}, offsets,
                                              gradient_views(context, gradients, &GradientTree::gate_bias));
    }
    auto d_x_ND = Tensor::uninitialized(context, x_ND.rows, x_ND.cols);
    Backend::grouped_glu_dgrad(context, d_a_NF, weights_of(context, experts, &Glu::gate_proj), d_b_NF,
                               weights_of(context, experts, &Glu::up_proj), offsets, d_x_ND.view());
    return d_x_ND;
  }

  /// forward_groups without saved tensors; y_ND is bitwise identical.
  static Tensor infer_groups(const Context& context, ExpertSpan<const Glu> experts, ConstView x_ND,
                             const GroupOffsets& offsets) {
    return answer(context, experts, x_ND, offsets, {}, {});
  }

  // --- parameter tree -----------------------------------------------------------------------------------------------

  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "gate_proj.weight", trees.gate_proj...);
    if constexpr (has_biases) visit(prefix + "gate_proj.bias", trees.gate_bias...);
    visit(prefix + "up_proj.weight", trees.up_proj...);
    if constexpr (has_biases) visit(prefix + "up_proj.bias", trees.up_bias...);
    visit(prefix + "down_proj.weight", trees.down_proj...);
    if constexpr (has_biases) visit(prefix + "down_proj.bias", trees.down_bias...);
  }
  template <class Visit, class... Trees>
  static void visit_channels(Visit&& visit, Trees&&... trees) {
    visit(Channels::rows, trees.gate_proj...);
    if constexpr (has_biases) visit(Channels::cols, trees.gate_bias...);
    visit(Channels::rows, trees.up_proj...);
    if constexpr (has_biases) visit(Channels::cols, trees.up_bias...);
    visit(Channels::cols, trees.down_proj...);
    if constexpr (has_biases) visit(Channels::none, trees.down_bias...);
  }

 private:
  /// Computes y_ND and writes W_gate x to a_NF and W_up x to b_NF, unless these views are empty.
  static Tensor answer(const Context& context, ExpertSpan<const Glu> experts, ConstView x_ND,
                       const GroupOffsets& offsets, View<Value, Backend> a_NF, View<Value, Backend> b_NF) {
    auto h_NF = Tensor::uninitialized(context, x_ND.rows, experts.any_here().hidden());
    const auto gate = weights_of(context, experts, &Glu::gate_proj), up = weights_of(context, experts, &Glu::up_proj);
    if constexpr (has_biases) {
      Tensor b_here = Tensor::uninitialized(context, a_NF.empty() ? x_ND.rows : 0, h_NF.cols());
      if (a_NF.empty()) a_NF = h_NF.view(), b_NF = b_here.view();
      Backend::grouped_product(context, x_ND, gate, offsets, a_NF);
      Backend::grouped_product(context, x_ND, up, offsets, b_NF);
      add_group_biases(context, weights_of(context, experts, &Glu::gate_bias), offsets, a_NF);
      add_group_biases(context, weights_of(context, experts, &Glu::up_bias), offsets, b_NF);
      Backend::glu(context, Activation{}, a_NF, b_NF, h_NF.view());
    } else {
      Backend::grouped_glu(context, Activation{}, x_ND, gate, up, offsets, a_NF, b_NF, h_NF.view());
    }
    auto y_ND = Tensor::uninitialized(context, x_ND.rows, x_ND.cols);
    Backend::grouped_product(context, h_NF, weights_of(context, experts, &Glu::down_proj), offsets, y_ND.view());
    if constexpr (has_biases)
      add_group_biases(context, weights_of(context, experts, &Glu::down_bias), offsets, y_ND.view());
    return y_ND;
  }
};

}  // namespace moe
