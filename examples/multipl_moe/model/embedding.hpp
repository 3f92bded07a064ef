/// Token embedding: one table row per token of the vocabulary.
#pragma once

#include <span>
#include <string>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"
#include "moe/ops/linear.hpp"
#include "multipl_moe/model/rows.hpp"

namespace multipl_moe {

template <class Value_, moe::Backend Backend_>
struct Embedding {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = moe::Matrix<Value, Backend>;
  using ConstView = moe::View<const Value, Backend>;
  using Rows = RowOperations<Value, Backend>;
  template <class Other>
  using rebind = Embedding<Other, Backend>;

  /// The table W, [V, D], stored as the linear map y = x W^T, which a tied head applies.
  moe::Linear<Value, Backend> table;

  /// tokens_T -> x_TD. Throws moe::Error if a token is outside of the table.
  Tensor forward(const Context& context, std::span<const std::int32_t> tokens_T) const {
    for (const std::int32_t token : tokens_T)
      moe::require(token >= 0 && token < table.out(), "Embedding::forward", "tokens must lie in [0, ", table.out(),
                   "), got ", token);
    auto x_TD = Tensor::uninitialized(context, static_cast<moe::Index>(tokens_T.size()), table.in());
    Rows::take(context, table.weight, tokens_T, x_TD.view());
    return x_TD;
  }

  /// Adds each row of d_x_TD to the gradient row of its token, in row order.
  template <class GradientTree>
  void backward(const Context& context, ConstView d_x_TD, std::span<const std::int32_t> tokens_T,
                GradientTree& gradient) const {
    if (gradient.table.weight.empty()) return;
    Rows::add_by_token(context, d_x_TD, tokens_T, gradient.table.weight.view());
  }

  Embedding empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of another type.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    return {table.template empty_tree_of<Other>()};
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    moe::Linear<Value, Backend>::visit_parameters(visit, prefix, trees.table...);
  }
};

}  // namespace multipl_moe
