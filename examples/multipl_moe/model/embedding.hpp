/// Token embedding: one table row per token of the vocabulary.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <type_traits>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"
#include "moe/ops/linear.hpp"

namespace multipl_moe {

template <class Value_, moe::Backend Backend_>
struct Embedding {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = moe::Matrix<Value, Backend>;
  using ConstView = moe::View<const Value, Backend>;
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
    const auto w = table.weight.view();
    // The table may be in its file (moe::WeightsInFile).
    const moe::BFloat16* const rows = context.packed ? context.packed->rows_of(w) : nullptr;
    Backend::for_each(context, x_TD.rows(), [&, x = x_TD.view()](moe::Index t) {
      const moe::Index token = tokens_T[static_cast<std::size_t>(t)];
      if constexpr (std::is_same_v<Value, float>)
        if (rows != nullptr) return moe::cpu::narrow_row_kernels().widen(x.cols, rows + token * x.cols, x.row(t).data);
      std::copy_n(w.row(token).data, x.cols, x.row(t).data);
    });
    return x_TD;
  }

  /// Adds each row of d_x_TD to the gradient row of its token, in row order.
  template <class GradientTree>
  void backward(const Context& context, ConstView d_x_TD, std::span<const std::int32_t> tokens_T,
                GradientTree& gradient) const {
    if (gradient.table.weight.empty()) return;
    const auto d_w = gradient.table.weight.view();
    moe::cpu::parallel_tiles(context, d_x_TD.cols, 64, [&](moe::Index begin, moe::Index end) {
      for (moe::Index t = 0; t < d_x_TD.rows; ++t)
        for (moe::Index d = begin; d < end; ++d)
          d_w(tokens_T[static_cast<std::size_t>(t)], d) += moe::widened(d_x_TD(t, d));
    });
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
