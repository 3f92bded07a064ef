/// A linear map with an optional LoRA adapter.
#pragma once

#include <utility>

#include "moe/experts/lora_linear.hpp"
#include "moe/ops/linear.hpp"

namespace multipl_moe {

/// y = x W^T + b, plus s (x A^T) B^T with an adapter. Without one it equals the Linear: the same weight names, bitwise
/// identical results, the same cost.
template <class Value_, moe::Backend Backend_>
struct Projection {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = moe::Matrix<Value, Backend>;
  using ConstView = moe::View<const Value, Backend>;
  using Linear = moe::Linear<Value, Backend>;
  template <class Other>
  using rebind = Projection<Other, Backend>;

  /// Adapter rank 0: no adapter.
  moe::LoraLinear<Value, Backend> lora;

  Projection() { lora.adapter.size = {0, 0}; }
  explicit Projection(Linear linear) : Projection() { lora.base = std::move(linear); }

  /// Adds an adapter of that size, all zero.
  void adapt(moe::AdapterSize size) { lora = {std::move(lora.base), size}; }
  bool has_adapter() const { return lora.adapter.rank() > 0; }
  /// The Linear with the same outputs, W + s B A in place of W.
  Linear merged(const Context& context) const {
    Linear linear{lora.base.weight.copy(), lora.base.bias.copy(), lora.base.has_bias};
    if (has_adapter()) lora.adapter.add_product(context, 1, linear.weight);
    return linear;
  }

  Tensor forward(const Context& context, ConstView x_TI) const {
    return has_adapter() ? lora.forward(context, x_TI) : lora.base.forward(context, x_TI);
  }
  /// d_y_TO -> d_x_TI; adds to `gradient`, skipping its empty tensors.
  template <class GradientTree>
  Tensor backward(const Context& context, ConstView d_y_TO, ConstView x_TI, GradientTree& gradient) const {
    return has_adapter() ? lora.backward(context, d_y_TO, x_TI, gradient.lora)
                         : lora.base.backward(context, d_y_TO, x_TI, gradient.lora.base);
  }

  Projection empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of another type.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.lora = lora.template empty_tree_of<Other>();
    return tree;
  }
  /// Visits `weight` and `bias`, and with an adapter `lora_A.weight` and `lora_B.weight`.
  template <class Visit, class Tree, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Tree&& tree, Trees&&... trees) {
    if (tree.has_adapter())
      moe::LoraLinear<Value, Backend>::visit_parameters(visit, prefix, tree.lora, trees.lora...);
    else
      Linear::visit_parameters(visit, prefix, tree.lora.base, trees.lora.base...);
  }
};

}  // namespace multipl_moe
