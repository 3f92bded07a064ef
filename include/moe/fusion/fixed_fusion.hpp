#pragma once

#include <cmath>
#include <string>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/settings.hpp"

namespace moe {

/// y = token O_token + segment O_segment with two constants: eq. 6 as in the paper's released code.
struct FixedFusion {
  /// Weight of the token level.
  double token = 0.7;
  /// Weight of the segment level.
  double segment = 0.3;

  /// mass_1T -> scale_T2: the two constants in every row.
  template <class Real, Backend B>
  Matrix<Real, B> scales(const typename B::Context& context, View<const Real, B> mass_1T) const {
    auto scale = Matrix<Real, B>::uninitialized(context, mass_1T.cols, 2);
    B::for_each_element(context, mass_1T.cols,
                        [scale_T2 = scale.view(), w_t = static_cast<Real>(token),
                         w_s = static_cast<Real>(segment)] MOE_ON_DEVICE(Index t) {
                          scale_T2(t, 0) = w_t;
                          scale_T2(t, 1) = w_s;
                        });
    return scale;
  }
  /// Returns an empty matrix: the weights are constant, and the scales do not depend on the mass.
  template <class Real, Backend B>
  Matrix<Real, B> scales_backward(const typename B::Context&, View<const Real, B>, View<const Real, B>,
                                  View<const Real, B>, FixedFusion&) const {
    return {};
  }

  /// Throws Error unless both weights are finite.
  void require_fits() const {
    require(std::isfinite(token) && std::isfinite(segment), "FixedFusion", "both weights must be finite, got ", token,
            " and ", segment);
  }

  FixedFusion empty_tree() const { return *this; }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto&, Trees&&...) {}
};

}  // namespace moe
