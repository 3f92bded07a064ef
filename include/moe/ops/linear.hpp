#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/entry.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/product.hpp"
#include "moe/core/require.hpp"
#include "moe/core/trees.hpp"
#include "moe/ops/add.hpp"

namespace moe {

/// y = x W^T + b. weight is [out, in], as checkpoints store it; the bias is optional.
template <class Value_, Backend Backend_>
struct Linear {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  template <class Other>
  using rebind = Linear<Other, Backend>;

  /// The weight W, [O, I].
  Tensor weight;
  /// The bias b, [O]; empty if there is none.
  Vector<Value, Backend> bias;
  /// Whether the module has a bias; in a gradient tree the tensor may be empty nevertheless.
  bool has_bias = false;

  /// All zero, y = x W^T.
  static Linear without_bias(Index in, Index out) { return {Tensor(out, in), {}, false}; }
  /// All zero, y = x W^T + b.
  static Linear with_bias(Index in, Index out) { return {Tensor(out, in), Vector<Value, Backend>(out), true}; }

  /// Number of columns of x, I.
  Index in() const { return weight.cols(); }
  /// Number of columns of y, O.
  Index out() const { return weight.rows(); }

  /// x_TI -> y_TO. Throws Error if x's columns or the bias do not fit.
  Tensor forward(const Context& context, ConstView x_TI) const {
    require_rows("Linear::forward", x_TI, "the weight expects", in());
    require_bias("Linear::forward");
    auto y_TO = Tensor::uninitialized(context, x_TI.rows, out());
    Backend::grouped_product(context, x_TI, {weight.view()}, {0, x_TI.rows}, y_TO.view());
    add_bias(context, y_TO.view());
    return y_TO;
  }

  /// As forward, with sums that are not rounded to the layer's value type.
  Matrix<Accum<Value>, Backend> forward_unrounded(const Context& context, ConstView x_TI) const {
    if constexpr (std::is_same_v<Value, Accum<Value>>) {
      return forward(context, x_TI);
    } else {
      require_rows("Linear::forward_unrounded", x_TI, "the weight expects", in());
      require_bias("Linear::forward_unrounded");
      auto y_TO = Matrix<Accum<Value>, Backend>::uninitialized(context, x_TI.rows, out());
      // grouped_sums, of the CPU, reads packed weights.
      if constexpr (
          requires {
            Backend::template grouped_sums<Value>(context, x_TI, {weight.view()}, {0, x_TI.rows}, y_TO.view());
          })
        Backend::template grouped_sums<Value>(context, x_TI, {weight.view()}, {0, x_TI.rows}, y_TO.view());
      else
        Backend::template products<Product::right_transposed, Value, Accum<Value>>(
            context, {{x_TI, weight.view(), y_TO.view()}});
      if (!bias.empty()) {
        Backend::for_each_cell(
            context, y_TO.rows(), y_TO.cols(),
            [y = y_TO.view(), b = bias.view()] MOE_ON_DEVICE(Index t, Index o) { y(t, o) += widened(b(0, o)); });
      }
      return y_TO;
    }
  }

  /// As forward, but batch invariant, as routing needs it: no row's result depends on the number of other rows.
  Tensor forward_row_by_row(const Context& context, ConstView x_TI) const {
    return forward_row_by_row<Value>(context, x_TI);
  }
  /// The same for rows in a lower-precision type.
  template <class Input>
  Tensor forward_row_by_row(const Context& context, View<const Input, Backend> x_TI) const {
    require_rows("Linear::forward", x_TI, "the weight expects", in());
    require_bias("Linear::forward");
    auto y_TO = Tensor::uninitialized(context, x_TI.rows, out());
    Backend::row_products(context, x_TI, weight, y_TO.view());
    add_bias(context, y_TO.view());
    return y_TO;
  }

  /// The backward of forward_row_by_row: d_x += d_y W; gradient: d_W += d_y^T x, d_b += sum of d_y's rows.
  template <class Input>
  void add_backward_row_by_row(const Context& context, ConstView d_y_TO, View<const Input, Backend> x_TI,
                               Linear& gradient, View<Input, Backend> d_x_TI) const {
    require_gradient_tree(d_y_TO, x_TI.rows, x_TI.cols, gradient);
    if (!gradient.weight.empty()) Backend::add_row_wgrad(context, d_y_TO, x_TI, gradient.weight.view());
    if (!gradient.bias.empty()) Backend::add_column_sums(context, d_y_TO, gradient.bias.view());
    Backend::add_row_dgrad(context, d_y_TO, weight, d_x_TI);
  }

  /// d_x = d_y W; gradient, of the layer's value type or of its accumulation type: d_W += d_y^T x, d_b += sum of d_y's
  /// rows. Throws Error if d_y or the gradient does not fit.
  template <class GradientValue>
  Tensor backward(const Context& context, ConstView d_y_TO, ConstView x_TI,
                  Linear<GradientValue, Backend>& gradient) const {
    require_gradient_tree(d_y_TO, x_TI.rows, x_TI.cols, gradient);
    Backend::template grouped_wgrad<Value, GradientValue>(context, d_y_TO, x_TI, {0, x_TI.rows},
                                                          {gradient.weight.view()});
    if (!gradient.bias.empty())
      Backend::template add_column_sums<GradientValue, Value>(context, d_y_TO, gradient.bias.view());
    auto d_x_TI = Tensor::zeros(context, x_TI.rows, in());
    Backend::add_grouped_dgrad(context, d_y_TO, {weight.view()}, {0, x_TI.rows}, d_x_TI.view());
    return d_x_TI;
  }

  Linear empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of another type.
  template <class Other>
  Linear<Other, Backend> empty_tree_of() const {
    return {{}, {}, has_bias};
  }

  template <class Visit, class Tree, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Tree&& tree, Trees&&... trees) {
    visit(prefix + "weight", tree.weight, trees.weight...);
    if (tree.has_bias) visit(prefix + "bias", tree.bias, trees.bias...);
  }

 private:
  void require_bias(std::string_view where) const {
    require(bias.empty() || (bias.rows() == 1 && bias.cols() == out()), where, "the bias must be 1 x ", out(), ", got ",
            bias.rows(), " x ", bias.cols());
  }
  template <class GradientTree>
  void require_gradient_tree(ConstView d_y_TO, Index rows, Index cols, const GradientTree& gradient) const {
    const char* const where = "Linear::backward";
    require(d_y_TO.rows == rows && d_y_TO.cols == out() && cols == in(), where, "d_y is ", d_y_TO.rows, " x ",
            d_y_TO.cols, ", x ", rows, " x ", cols, ", the weight ", out(), " x ", in());
    require_gradient(where, *this, gradient);
    require(has_bias || gradient.bias.empty(), where, "the gradient has a bias, the module has none");
  }
  void add_bias(const Context& context, View<Value, Backend> y_TO) const {
    if (bias.empty()) return;
    add_row(context, bias, y_TO);
  }
};

}  // namespace moe
