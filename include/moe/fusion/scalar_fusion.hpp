#pragma once

#include <string>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// y = w_0 O_token + w_1 O_segment with two learned weights (eq. 6).
template <class Value, Backend B>
struct ScalarFusion {
  template <class Other>
  using rebind = ScalarFusion<Other, B>;
  /// Type that the weights are stored in.
  using Kept = Accum<Value>;

  /// Weights of the token level and of the segment level.
  Vector<Kept, B> weights_2;

  ScalarFusion() = default;
  /// Initial weights of the token level and of the segment level.
  ScalarFusion(double token, double segment) : weights_2(2) {
    const std::vector<Kept> start = {static_cast<Kept>(token), static_cast<Kept>(segment)};
    B::upload({}, start.data(), weights_2.view());
  }

  /// mass_1T -> scale_T2: the two weights in every row.
  template <class Real, class Any>
  Matrix<Real, B> scales(const typename B::Context& context, View<const Real, B> mass_1T) const {
    auto scale = Matrix<Real, B>::uninitialized(context, mass_1T.cols, 2);
    B::for_each_element(context, mass_1T.cols, [scale_T2 = scale.view(), w = weights_2.view()] MOE_ON_DEVICE(Index t) {
      scale_T2(t, 0) = w(0, 0);
      scale_T2(t, 1) = w(0, 1);
    });
    return scale;
  }
  /// d_w += sum of d_scale's rows. Returns an empty matrix: the scales do not depend on the mass.
  template <class Real, class Any, class GradientTree>
  Matrix<Real, B> scales_backward(const typename B::Context& context, View<const Real, B>, View<const Real, B>,
                                  View<const Real, B> d_scale_T2, GradientTree& gradient) const {
    if (!gradient.weights_2.empty()) B::add_column_sums(context, d_scale_T2, gradient.weights_2.view());
    return {};
  }

  /// Throws Error unless there are 2 weights.
  void require_fits() const {
    require(weights_2.size() == 2, "ScalarFusion", "there must be 2 weights, got ", weights_2.size());
  }

  ScalarFusion empty_tree() const { return {}; }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    return {};
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "weights", trees.weights_2...);
  }
};

}  // namespace moe
