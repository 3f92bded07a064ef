#pragma once

#include <string>
#include <utility>
#include <vector>

#include "moe/core/bfloat16.hpp"
#include "moe/core/require.hpp"
#include "moe/fusion/fusion.hpp"
#include "moe/ops/add.hpp"
#include "moe/ops/linear.hpp"

namespace moe {

/// y = O_token W_token^T + O_segment W_segment^T with two learned matrices: eq. 6 as written.
template <class Value, Backend B>
struct MatrixFusion {
  template <class Other>
  using rebind = MatrixFusion<Other, B>;
  using Tensor = Matrix<Value, B>;
  /// Tensors that backward consumes.
  struct Saved {
    Tensor o_token_TD, o_segment_TD;
  };

  /// One [D, D] matrix per level, without bias.
  Linear<Value, B> token, segment;

  MatrixFusion() = default;
  /// For rows of `width` values; each matrix starts as a multiple of the identity.
  MatrixFusion(Index width, double token_weight, double segment_weight)
      : token(diagonal(width, token_weight)), segment(diagonal(width, segment_weight)) {}

  /// Returns y_TD and saves both outputs.
  std::pair<Tensor, Saved> forward(const typename B::Context& context, Tensor o_token_TD, Tensor o_segment_TD) const {
    auto y_TD = token.forward(context, o_token_TD);
    add_to(context, segment.forward(context, o_segment_TD), y_TD.view());
    return {std::move(y_TD), Saved{std::move(o_token_TD), std::move(o_segment_TD)}};
  }

  /// d_W += d_y^T O; d_O = d_y W.
  template <class GradientTree>
  FusionGradients<Value, B> backward(const typename B::Context& context, View<const Value, B> d_y_TD, Saved saved,
                                     GradientTree& gradient) const {
    return {token.backward(context, d_y_TD, saved.o_token_TD, gradient.token),
            segment.backward(context, d_y_TD, saved.o_segment_TD, gradient.segment)};
  }

  /// Throws Error unless both matrices are [width, width].
  void require_fits(Index width) const {
    const auto fits = [&](const Linear<Value, B>& level) { return level.in() == width && level.out() == width; };
    require(fits(token) && fits(segment), "MatrixFusion", "both matrices must be ", width, " x ", width, ", got ",
            token.out(), " x ", token.in(), " and ", segment.out(), " x ", segment.in());
  }

  MatrixFusion empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.token = token.template empty_tree_of<Other>();
    tree.segment = segment.template empty_tree_of<Other>();
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    Linear<Value, B>::visit_parameters(visit, prefix + "token.", trees.token...);
    Linear<Value, B>::visit_parameters(visit, prefix + "segment.", trees.segment...);
  }

 private:
  static Linear<Value, B> diagonal(Index width, double value) {
    auto result = Linear<Value, B>::without_bias(width, width);
    std::vector<Value> start(static_cast<std::size_t>(width * width));
    for (std::size_t d = 0; d < start.size(); d += static_cast<std::size_t>(width) + 1)
      start[d] = static_cast<Value>(static_cast<Accum<Value>>(value));
    B::upload({}, start.data(), result.weight.view());
    return result;
  }
};

}  // namespace moe
