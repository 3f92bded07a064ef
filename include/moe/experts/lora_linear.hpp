#pragma once

#include <string>
#include <utility>

#include "moe/core/bfloat16.hpp"
#include "moe/core/entry.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/trees.hpp"
#include "moe/experts/lora_adapter.hpp"
#include "moe/ops/add.hpp"
#include "moe/ops/linear.hpp"

namespace moe {

/// A frozen Linear with a trainable LoRA adapter: y = x W^T + b + s (x A^T) B^T with s = alpha / r. The weights that
/// train are those present in the gradient tree: leave `weight` and `bias` out of it to freeze them. draw_adapters
/// (train/draw_adapters.hpp) initializes the adapter as peft does; with B = 0 the output is bitwise identical to the
/// Linear's.
template <class Value_, Backend Backend_>
struct LoraLinear {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  template <class Other>
  using rebind = LoraLinear<Other, Backend>;

  /// The Linear, with weight W and bias b.
  Linear<Value, Backend> base;
  /// The adapter, with A, B and s.
  LoraAdapter<Value, Backend> adapter;
  /// Whether the adapter is merged into W.
  bool is_merged = false;

  LoraLinear() = default;
  /// The Linear and an all-zero adapter. Throws Error if the rank is below 1.
  LoraLinear(Linear<Value, Backend> linear, AdapterSize size)
      : base(std::move(linear)), adapter(base.in(), base.out(), size) {}
  /// The same with s = alpha / rank.
  LoraLinear(Linear<Value, Backend> linear, Index rank, double alpha)
      : LoraLinear(std::move(linear), AdapterSize::lora(rank, alpha)) {}

  /// Columns of x, I.
  Index in() const { return base.in(); }
  /// Columns of y, O.
  Index out() const { return base.out(); }

  /// x_TI -> y_TO. Throws Error if x does not have I columns.
  Tensor forward(const Context& context, ConstView x_TI) const {
    adapter.require_consistent("LoraLinear::forward", in(), out());
    require_rows("LoraLinear::forward", x_TI, "the weight expects", in());
    Tensor y_TO = base.forward(context, x_TI);
    if (!is_merged)
      add_to(context, Adapter::forward_groups(context, {&adapter, 1}, x_TI, {0, x_TI.rows}).first, y_TO.view());
    return y_TO;
  }

  /// d_y_TO -> d_x_TI = d_y W + s (d_y B) A; adds into `gradient`, whose values are of this type or of accumulation
  /// precision, skipping its empty tensors. Throws Error if d_y's shape differs from y's or the adapter is merged.
  template <class GradientValue>
  Tensor backward(const Context& context, ConstView d_y_TO, ConstView x_TI,
                  LoraLinear<GradientValue, Backend>& gradient) const {
    require(!is_merged, "LoraLinear::backward", "the adapter is merged into the weight; unmerge it to train");
    require(d_y_TO.rows == x_TI.rows && d_y_TO.cols == out(), "LoraLinear::backward", "d_y is ", d_y_TO.rows, " x ",
            d_y_TO.cols, ", y was ", x_TI.rows, " x ", out());
    adapter.require_consistent("LoraLinear::backward", in(), out());
    require_gradient("LoraLinear::backward", *this, gradient);
    Tensor d_x_TI = base.backward(context, d_y_TO, x_TI, gradient.base);
    // u = s x A^T is recomputed: it is small, and saving it would cost more.
    Adapter::template add_groups_backward<GradientValue>(
        context, {&adapter, 1}, d_y_TO, {0, x_TI.rows}, x_TI,
        Adapter::products_with_a(context, {&adapter, 1}, x_TI, {0, x_TI.rows}), d_x_TI.view(), {&gradient.adapter, 1});
    return d_x_TI;
  }

  /// W += s B A; forward then costs as much as the Linear's. Throws Error if the adapter is merged already. A
  /// checkpoint of a merged module would count its adapter twice: unmerge first, or save `base` alone.
  void merge(const Context& context) {
    require(!is_merged, "LoraLinear::merge", "the adapter is merged already");
    adapter.require_consistent("LoraLinear::merge", in(), out());
    adapter.add_product(context, 1, base.weight);
    is_merged = true;
  }
  /// W -= s B A: restores the weight up to the rounding of one addition and one subtraction. Throws Error if the
  /// adapter is not merged.
  void unmerge(const Context& context) {
    require(is_merged, "LoraLinear::unmerge", "the adapter is not merged");
    adapter.require_consistent("LoraLinear::unmerge", in(), out());
    adapter.add_product(context, -1, base.weight);
    is_merged = false;
  }

  LoraLinear empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.base = base.template empty_tree_of<Other>();
    tree.adapter = adapter.template empty_tree_of<Other>();
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    Linear<Value, Backend>::visit_parameters(visit, prefix, trees.base...);
    Adapter::visit_parameters(visit, prefix, trees.adapter...);
  }

 private:
  using Adapter = LoraAdapter<Value, Backend>;
};

}  // namespace moe
