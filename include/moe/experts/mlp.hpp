#pragma once

#include <concepts>
#include <string_view>
#include <utility>

#include "moe/core/activation.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/experts/as_layer.hpp"
#include "moe/experts/biases.hpp"
#include "moe/experts/channels.hpp"
#include "moe/experts/expert.hpp"
#include "moe/experts/weight_list.hpp"
#include "moe/ops/add.hpp"
#include "moe/ops/group_bias.hpp"

namespace moe {

namespace detail {

/// Bias vectors of an MLP; empty without biases.
template <class Value, class Backend, class Biases>
struct MlpBiases {
  MlpBiases() = default;
  MlpBiases(Index /*width*/, Index /*hidden*/) {}
};
template <class Value, class Backend>
struct MlpBiases<Value, Backend, WithBiases> {
  /// Biases of up_proj [F] and down_proj [D].
  Vector<Value, Backend> up_bias, down_bias;

  MlpBiases() = default;
  MlpBiases(Index width, Index hidden) : up_bias(hidden), down_bias(width) {}
};

}  // namespace detail

/// Two-layer FFN(x) = W_down activation(W_up x), without biases or with one for each layer: the FFN of GPT-2, of Switch
/// Transformer and, with the squared ReLU, of Primer. Weights are stored [out, in]: up_proj [F, D], down_proj [D, F].
template <class Activation_, class Value_, class Backend_, class Biases = WithoutBiases>
struct Mlp : AsLayer<Mlp<Activation_, Value_, Backend_, Biases>, Value_, Backend_>,
             detail::MlpBiases<Value_, Backend_, Biases> {
  static_assert(moe::Activation<Activation_>,
                "Mlp: 1st argument must be an Activation such as Relu: Real value(Real) const, Real derivative(Real)");
  static_assert(std::same_as<Biases, WithoutBiases> || std::same_as<Biases, WithBiases>,
                "Mlp: 4th argument must be WithBiases or WithoutBiases");

  /// Base that makes the expert a dense layer.
  using Layer = AsLayer<Mlp, Value_, Backend_>;
  using Activation = Activation_;
  using Value = Value_;
  using Backend = Backend_;
  using typename Layer::ConstGates;
  using typename Layer::ConstView;
  using typename Layer::Context;
  using typename Layer::Gates;
  using typename Layer::Tensor;
  template <class Other>
  using rebind = Mlp<Activation_, Other, Backend, Biases>;
  /// Whether each product adds a bias.
  static constexpr bool has_biases = std::same_as<Biases, WithBiases>;
  /// Name in error messages.
  static constexpr std::string_view name = "Mlp";

  /// Tensors that forward_groups saves for backward_groups.
  struct GroupSaved {
    /// W_up x, the activation's argument, bias included.
    Tensor a_NF;
  };

  /// Weights W_up [F, D] and W_down [D, F].
  Tensor up_proj, down_proj;

  Mlp() = default;
  /// Zero weights for rows of `width` values and `hidden` inner channels.
  Mlp(Index width, Index hidden)
      : detail::MlpBiases<Value, Backend, Biases>(width, hidden), up_proj(hidden, width), down_proj(width, hidden) {}

  Index width() const { return down_proj.rows(); }
  /// Number of inner channels, F.
  Index hidden() const { return down_proj.cols(); }

  /// Throws Error if the weights' shapes do not match each other.
  void require_consistent(std::string_view where) const {
    require(up_proj.rows() == hidden() && up_proj.cols() == width(), where, "up_proj must be ", hidden(), " x ",
            width(), " as down_proj is ", width(), " x ", hidden(), ", got ", up_proj.rows(), " x ", up_proj.cols());
    if constexpr (has_biases)
      require(this->up_bias.size() == hidden() && this->down_bias.size() == width(), where, "biases must have ",
              hidden(), " and ", width(), " values, got ", this->up_bias.size(), " and ", this->down_bias.size());
  }
  /// Whether `saved` comes from forward_groups over `rows` rows and has not been consumed.
  bool keeps(const GroupSaved& saved, Index rows) const {
    return saved.a_NF.rows() == rows && saved.a_NF.cols() == hidden();
  }

  // --- rows [offsets[e], offsets[e+1]) go through experts[e] ---------------------------------------------------------

  /// x_ND -> y_ND and the tensors saved for backward_groups.
  static std::pair<Tensor, GroupSaved> forward_groups(const Context& context, ExpertSpan<const Mlp> experts,
                                                      ConstView x_ND, const GroupOffsets& offsets) {
    GroupSaved saved{Tensor::uninitialized(context, x_ND.rows, experts.any_here().hidden())};
    auto h_NF = Tensor::uninitialized(context, x_ND.rows, experts.any_here().hidden());
    auto y_ND = answer(context, experts, x_ND, offsets, saved.a_NF.view(), h_NF.view());
    return {std::move(y_ND), std::move(saved)};
  }

  /// d_y_ND -> d_x_ND for y_n = gates_n FFN(x_n), or y_n = FFN(x_n) without gates; adds into `gradients`, skipping
  /// empty tensors, and writes d_gates_n = <d_y_n, FFN(x_n)>, computed as <d_y_n W_down, h_n> plus, with biases,
  /// <d_y_n, bias_down>. d_h = gates_n d_y W_down, d_x = d_a W_up, d_W_down = d_y^T (gates_n h).
  template <class GradientTree>
  static Tensor backward_groups(const Context& context, ExpertSpan<const Mlp> experts, ConstView d_y_ND,
                                ConstGates gates_1N, ListView<Index> offsets, ConstView x_ND, GroupSaved saved,
                                Gates d_gates_1N, ExpertSpan<GradientTree> gradients) {
    auto h_NF = Tensor::uninitialized(context, x_ND.rows, experts.any_here().hidden());
    Backend::grouped_glu_backward(context, Activation{}, d_y_ND, weights_of(context, experts, &Mlp::down_proj), offsets,
                                  gates_1N, saved.a_NF.view(), {}, h_NF.view(), d_gates_1N);
    const Tensor d_a_NF = std::move(saved.a_NF);
    add_wgrads<Value, Backend>(context, d_y_ND, h_NF, offsets, gradients, &GradientTree::down_proj);
    add_wgrads<Value, Backend>(context, d_a_NF, x_ND, offsets, gradients, &GradientTree::up_proj);
    if constexpr (has_biases) {
      using GradientValue = typename GradientTree::Value;
      if (!gates_1N.empty())
        add_group_bias_products(context, d_y_ND, weights_of(context, experts, &Mlp::down_bias), offsets, d_gates_1N);
      add_group_bias_gradients<GradientValue>(context, d_y_ND, gates_1N, offsets,
                                              gradient_views(context, gradients, &GradientTree::down_bias));
      add_group_bias_gradients<GradientValue>(context, d_a_NF.view(), {}, offsets,
                                              gradient_views(context, gradients, &GradientTree::up_bias));
    }
    auto d_x_ND = Tensor::zeros(context, x_ND.rows, x_ND.cols);
    Backend::add_grouped_dgrad(context, d_a_NF, weights_of(context, experts, &Mlp::up_proj), offsets, d_x_ND.view());
    return d_x_ND;
  }

  /// forward_groups without saved tensors; y_ND is bitwise identical.
  static Tensor infer_groups(const Context& context, ExpertSpan<const Mlp> experts, ConstView x_ND,
                             const GroupOffsets& offsets) {
    auto h_NF = Tensor::uninitialized(context, x_ND.rows, experts.any_here().hidden());
    return answer(context, experts, x_ND, offsets, h_NF.view(), h_NF.view());
  }

  // --- parameter tree -----------------------------------------------------------------------------------------------

  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "up_proj.weight", trees.up_proj...);
    if constexpr (has_biases) visit(prefix + "up_proj.bias", trees.up_bias...);
    visit(prefix + "down_proj.weight", trees.down_proj...);
    if constexpr (has_biases) visit(prefix + "down_proj.bias", trees.down_bias...);
  }
  template <class Visit, class... Trees>
  static void visit_channels(Visit&& visit, Trees&&... trees) {
    visit(Channels::rows, trees.up_proj...);
    if constexpr (has_biases) visit(Channels::cols, trees.up_bias...);
    visit(Channels::cols, trees.down_proj...);
    if constexpr (has_biases) visit(Channels::none, trees.down_bias...);
  }

 private:
  /// Computes y_ND and writes W_up x to a_NF and the activation's output to h_NF; both may be the same view.
  static Tensor answer(const Context& context, ExpertSpan<const Mlp> experts, ConstView x_ND,
                       const GroupOffsets& offsets, View<Value, Backend> a_NF, View<Value, Backend> h_NF) {
    Backend::grouped_product(context, x_ND, weights_of(context, experts, &Mlp::up_proj), offsets, a_NF);
    if constexpr (has_biases) add_group_biases(context, weights_of(context, experts, &Mlp::up_bias), offsets, a_NF);
    Backend::glu(context, Activation{}, a_NF, {}, h_NF);
    auto y_ND = Tensor::uninitialized(context, x_ND.rows, x_ND.cols);
    Backend::grouped_product(context, h_NF, weights_of(context, experts, &Mlp::down_proj), offsets, y_ND.view());
    if constexpr (has_biases)
      add_group_biases(context, weights_of(context, experts, &Mlp::down_bias), offsets, y_ND.view());
    return y_ND;
  }
};

}  // namespace moe
