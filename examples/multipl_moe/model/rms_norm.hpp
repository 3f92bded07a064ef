/// RMSNorm as in Qwen.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"
#include "multipl_moe/model/rows.hpp"

namespace multipl_moe {

/// y = x / sqrt(mean(x^2) + epsilon) * weight, row by row.
template <class Value_, moe::Backend Backend_>
struct RmsNorm {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = moe::Matrix<Value, Backend>;
  using ConstView = moe::View<const Value, Backend>;
  template <class Other>
  using rebind = RmsNorm<Other, Backend>;
  /// Type of the computation.
  using Real = moe::Accum<Value>;
  using Rows = RowOperations<Value, Backend>;
  /// The scales of a forward pass, [1, T].
  using Scales = moe::Matrix<Real, Backend>;

  moe::Vector<Value, Backend> weight;
  double epsilon = 1e-6;

  RmsNorm() = default;
  /// All weights 1.
  RmsNorm(moe::Index width, double epsilon_) : weight(width), epsilon(epsilon_) {
    const std::vector<Value> ones(static_cast<std::size_t>(width), Value(Real(1)));
    Backend::upload({}, ones.data(), weight.view());
  }

  /// Returns the output and, for backward, the scale 1 / sqrt(mean(x^2) + epsilon) of each row.
  std::pair<Tensor, Scales> forward(const Context& context, ConstView x_TD) const {
    auto y = Tensor::uninitialized(context, x_TD.rows, x_TD.cols);
    auto scale = forward_into(context, x_TD, y.view());
    return {std::move(y), std::move(scale)};
  }
  /// Writes the output to y_TD and returns the scales.
  Scales forward_into(const Context& context, ConstView x_TD, moe::View<Value, Backend> y_TD) const {
    auto scale = Scales::uninitialized(context, 1, x_TD.rows);
    Rows::rms_norm(context, x_TD, weight, epsilon, y_TD, scale.view());
    return scale;
  }

  /// With n = x s: d_x = s (d_y w - n mean(d_y w n)), d_weight += sum over rows of d_y n. Adds to d_x.
  template <class GradientTree>
  void add_backward(const Context& context, ConstView d_y_TD, ConstView x_TD, const Scales& scales,
                    moe::View<Value, Backend> d_x_TD, GradientTree& gradient) const {
    Rows::add_rms_norm_gradient(context, d_y_TD, x_TD, scales, weight, d_x_TD, gradient.weight.view());
  }

  RmsNorm empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of another type.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.epsilon = epsilon;
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "weight", trees.weight...);
  }
};

}  // namespace multipl_moe
