#pragma once

#include <cmath>
#include <string>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/settings.hpp"

namespace moe {

/// y = (token O_token + segment O_segment) / Z with Z = token + segment * mass, where mass is the sum of the row's
/// segment-level gates: the normalization of eq. 2 applied to eq. 6. If all experts have the same output, y equals that
/// output for every selection of experts, so an upcycled layer starts out equal to the dense FFN.
struct NormalizedFusion {
  /// Weight of the token level, above 0.
  double token = 0.7;
  /// Weight of the segment level, at least 0.
  double segment = 0.3;

  /// mass_1T -> scale_T2: token / Z and segment / Z.
  template <class Real, Backend B>
  Matrix<Real, B> scales(const typename B::Context& context, View<const Real, B> mass_1T) const {
    auto scale = Matrix<Real, B>::uninitialized(context, mass_1T.cols, 2);
    B::for_each_element(context, mass_1T.cols,
                        [=, scale_T2 = scale.view(), w_t = static_cast<Real>(token),
                         w_s = static_cast<Real>(segment)] MOE_ON_DEVICE(Index t) {
                          const Real z = w_t + w_s * mass_1T(0, t);
                          scale_T2(t, 0) = w_t / z;
                          scale_T2(t, 1) = w_s / z;
                        });
    return scale;
  }
  /// d_mass = -scale_1 (scale_0 d_scale_0 + scale_1 d_scale_1), with scale_0 = token / Z and scale_1 = segment / Z.
  template <class Real, Backend B>
  Matrix<Real, B> scales_backward(const typename B::Context& context, View<const Real, B> mass_1T,
                                  View<const Real, B> scale_T2, View<const Real, B> d_scale_T2,
                                  NormalizedFusion&) const {
    auto d_mass = Matrix<Real, B>::uninitialized(context, 1, mass_1T.cols);
    B::for_each_element(context, mass_1T.cols, [=, d_mass_1T = d_mass.view()] MOE_ON_DEVICE(Index t) {
      d_mass_1T(0, t) = -scale_T2(t, 1) * (scale_T2(t, 0) * d_scale_T2(t, 0) + scale_T2(t, 1) * d_scale_T2(t, 1));
    });
    return d_mass;
  }

  /// Throws Error unless both weights are finite, `token` is above 0 and `segment` is at least 0.
  void require_fits() const {
    require(token > 0 && std::isfinite(token) && is_finite_from(0, segment), "NormalizedFusion",
            "the token level's weight must be above 0 and the segment level's at least 0, both finite, got ", token,
            " and ", segment);
  }

  NormalizedFusion empty_tree() const { return *this; }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const auto&, Trees&&...) {}
};

}  // namespace moe
