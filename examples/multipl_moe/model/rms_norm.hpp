/// RMSNorm as in Qwen.
#pragma once

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "moe/core/matrix.hpp"
#include "multipl_moe/model/wide_rows.hpp"

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
    if constexpr (is_widened<Value>) {
      const auto& rows = moe::cpu::narrow_row_kernels();
      const auto wide_weight = widened_rows<Backend>(context, weight.view());
      for_each_row_with_memory(context, x_TD.rows, x_TD.cols,
                               [&, this, scale_1T = scale.view()](moe::Index t, Real* x) {
                                 rows.widen(x_TD.cols, x_TD.row(t).data, x);
                                 const Real s = scale_of(x, x_TD.cols);
                                 scale_1T(0, t) = s;
                                 const Real* const w = wide_weight.data();
                                 for (moe::Index d = 0; d < x_TD.cols; ++d) x[d] = x[d] * s * w[d];
                                 rows.narrow(x_TD.cols, x, y_TD.row(t).data);
                               });
      return scale;
    } else {
      Backend::for_each(context, x_TD.rows, [=, this, w = weight.view(), scale_1T = scale.view()](moe::Index t) {
        const Value s = scale_of(x_TD.row(t).data, x_TD.cols);
        scale_1T(0, t) = s;
        for (moe::Index d = 0; d < x_TD.cols; ++d) y_TD(t, d) = x_TD(t, d) * s * w(0, d);
      });
      return scale;
    }
  }

  /// With n = x s: d_x = s (d_y w - n mean(d_y w n)), d_weight += sum over rows of d_y n. Adds to d_x.
  template <class GradientTree>
  void add_backward(const Context& context, ConstView d_y_TD, ConstView x_TD, const Scales& scales,
                    moe::View<Value, Backend> d_x_TD, GradientTree& gradient) const {
    const auto scale_1T = scales.view();
    if constexpr (is_widened<Value>)
      return add_narrow_backward(context, d_y_TD, x_TD, scale_1T, d_x_TD, gradient);
    else {
      Backend::for_each(context, x_TD.rows, [=, w = weight.view()](moe::Index t) {
        const Value s = scale_1T(0, t);
        const Value mean =
            moe::cpu::lane_sum<Value>(x_TD.cols, [&](moe::Index d) { return d_y_TD(t, d) * w(0, d) * x_TD(t, d); }) *
            s / static_cast<Value>(x_TD.cols);
        for (moe::Index d = 0; d < x_TD.cols; ++d) d_x_TD(t, d) += s * (d_y_TD(t, d) * w(0, d) - x_TD(t, d) * s * mean);
      });
      if (gradient.weight.empty()) return;
      auto d_weights = Tensor::uninitialized(context, x_TD.rows, x_TD.cols);
      Backend::for_each(context, x_TD.rows, [=, d_w = d_weights.view()](moe::Index t) {
        for (moe::Index d = 0; d < x_TD.cols; ++d) d_w(t, d) = d_y_TD(t, d) * x_TD(t, d) * scale_1T(0, t);
      });
      Backend::add_column_sums(context, d_weights, gradient.weight.view());
    }
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

 private:
  /// 1 / sqrt(mean(x^2) + epsilon).
  Real scale_of(const Real* x_D, moe::Index width) const {
    const double squares = moe::cpu::sum_of_squares(x_D, width);
    return static_cast<Real>(1 / std::sqrt(squares / static_cast<double>(width) + epsilon));
  }
  template <class GradientTree>
  void add_narrow_backward(const Context& context, ConstView d_y_TD, ConstView x_TD,
                           moe::View<const Real, Backend> scale_1T, moe::View<Value, Backend> d_x_TD,
                           GradientTree& gradient) const {
    const auto& rows = moe::cpu::narrow_row_kernels();
    const auto wide_weight = widened_rows<Backend>(context, weight.view());
    const moe::Index width = x_TD.cols;
    const bool trains = !gradient.weight.empty();
    auto d_weights = moe::Matrix<Real, Backend>::uninitialized(context, trains ? x_TD.rows : 0, width);
    for_each_row_with_memory(context, x_TD.rows, 3 * width, [&, d_w = d_weights.view()](moe::Index t, Real* memory) {
      Real *const d_y = memory, *const x = memory + width, *const d_x = memory + 2 * width;
      const Real* const w = wide_weight.data();
      rows.widen(width, d_y_TD.row(t).data, d_y);
      rows.widen(width, x_TD.row(t).data, x);
      rows.widen(width, d_x_TD.row(t).data, d_x);
      const Real s = scale_1T(0, t);
      if (trains)
        for (moe::Index d = 0; d < width; ++d) d_w(t, d) = d_y[d] * x[d] * s;
      for (moe::Index d = 0; d < width; ++d) d_y[d] *= w[d];
      const Real mean = moe::cpu::dot(d_y, x, width) * s / static_cast<Real>(width);
      for (moe::Index d = 0; d < width; ++d) d_x[d] += s * (d_y[d] - x[d] * s * mean);
      rows.narrow(width, d_x, d_x_TD.row(t).data);
    });
    if (trains) Backend::add_column_sums(context, d_weights, gradient.weight.view());
  }
};

}  // namespace multipl_moe
