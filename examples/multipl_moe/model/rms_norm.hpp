/// RMSNorm as in Qwen.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "moe/core/matrix.hpp"

namespace multipl_moe {

/// y = x / sqrt(mean(x^2) + epsilon) * weight, row by row.
template <class Value_, moe::Backend Backend_>
struct RmsNorm {
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = moe::Matrix<Value, Backend>;
  using ConstView = moe::View<const Value, Backend>;

  moe::Vector<Value, Backend> weight;
  double epsilon = 1e-6;

  RmsNorm() = default;
  /// All weights 1.
  RmsNorm(moe::Index width, double epsilon_) : weight(width), epsilon(epsilon_) {
    const std::vector<Value> ones(static_cast<std::size_t>(width), Value(1));
    Backend::upload({}, ones.data(), weight.view());
  }

  /// Returns the output and, for backward, the scale 1 / sqrt(mean(x^2) + epsilon) of each row.
  std::pair<Tensor, Tensor> forward(const Context& context, ConstView x_TD) const {
    auto y = Tensor::uninitialized(context, x_TD.rows, x_TD.cols);
    auto scale = forward_into(context, x_TD, y.view());
    return {std::move(y), std::move(scale)};
  }
  /// Writes the output to y_TD and returns the scales.
  Tensor forward_into(const Context& context, ConstView x_TD, moe::View<Value, Backend> y_TD) const {
    auto scale = Tensor::uninitialized(context, 1, x_TD.rows);
    Backend::for_each(context, x_TD.rows, [=, this, w = weight.view(), scale_1T = scale.view()](moe::Index t) {
      const double squares = moe::cpu::sum_of_squares(x_TD.row(t).data, x_TD.cols);
      const auto s = static_cast<Value>(1 / std::sqrt(squares / static_cast<double>(x_TD.cols) + epsilon));
      scale_1T(0, t) = s;
      for (moe::Index d = 0; d < x_TD.cols; ++d) y_TD(t, d) = x_TD(t, d) * s * w(0, d);
    });
    return scale;
  }

  /// With n = x s: d_x = s (d_y w - n mean(d_y w n)), d_weight += sum over rows of d_y n. Adds to d_x.
  void add_backward(const Context& context, ConstView d_y_TD, ConstView x_TD, ConstView scale_1T,
                    moe::View<Value, Backend> d_x_TD, RmsNorm& gradient) const {
    Backend::for_each(context, x_TD.rows, [=, w = weight.view()](moe::Index t) {
      const Value s = scale_1T(0, t);
      const Value mean =
          moe::cpu::lane_sum<Value>(x_TD.cols, [&](moe::Index d) { return d_y_TD(t, d) * w(0, d) * x_TD(t, d); }) * s /
          static_cast<Value>(x_TD.cols);
      for (moe::Index d = 0; d < x_TD.cols; ++d) d_x_TD(t, d) += s * (d_y_TD(t, d) * w(0, d) - x_TD(t, d) * s * mean);
    });
    if (gradient.weight.empty()) return;
    auto d_weights = Tensor::uninitialized(context, x_TD.rows, x_TD.cols);
    Backend::for_each(context, x_TD.rows, [=, d_w = d_weights.view()](moe::Index t) {
      for (moe::Index d = 0; d < x_TD.cols; ++d) d_w(t, d) = d_y_TD(t, d) * x_TD(t, d) * scale_1T(0, t);
    });
    Backend::add_column_sums(context, d_weights, gradient.weight.view());
  }

  RmsNorm empty_tree() const {
    RmsNorm tree;
    tree.epsilon = epsilon;
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "weight", trees.weight...);
  }
};

}  // namespace multipl_moe
