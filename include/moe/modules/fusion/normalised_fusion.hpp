#pragma once

#include <string>
#include <utility>

#include "moe/concepts/backend.hpp"
#include "moe/concepts/fusion.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// y = (token O_token + segment O_segment) / Z, Z = token + segment mass, mass being the sum of the row's segment-level
/// gates: eq. 2's normalisation carried over to eq. 6. When all experts agree, y is their common answer whoever is
/// chosen, so an upcycled layer starts as the dense one.
struct NormalisedFusion {
  static constexpr bool needs_mass = true;

  double token = 0.7;
  double segment = 0.3;

  template <class Real, class B>
  struct Saved {
    Matrix<Real, B> o_token_TD, o_segment_TD, z_1T;
  };

  template <class Real, Backend B>
  std::pair<Matrix<Real, B>, Saved<Real, B>> forward(const typename B::Context& context, Matrix<Real, B> o_token_TD,
                                                     Matrix<Real, B> o_segment_TD, View<const Real, B> mass_1T) const {
    auto y = Matrix<Real, B>::uninitialized(context, o_token_TD.rows(), o_token_TD.cols());
    auto z = Matrix<Real, B>::uninitialized(context, 1, o_token_TD.rows());
    B::for_each(context, y.rows(),
                [=, y_TD = y.view(), z_1T = z.view(), o_t = std::as_const(o_token_TD).view(),
                 o_s = std::as_const(o_segment_TD).view(), w_t = static_cast<Real>(token),
                 w_s = static_cast<Real>(segment)] MOE_HOST_DEVICE(Index t) {
                  z_1T(0, t) = w_t + w_s * mass_1T(0, t);
                  for (Index d = 0; d < y_TD.cols; ++d) y_TD(t, d) = (w_t * o_t(t, d) + w_s * o_s(t, d)) / z_1T(0, t);
                });
    return {std::move(y), Saved<Real, B>{std::move(o_token_TD), std::move(o_segment_TD), std::move(z)}};
  }

  /// d_O_token = token/Z d_y, d_O_segment = segment/Z d_y, d_mass = -segment/Z <d_y, y>.
  template <class Real, Backend B>
  FusionGradients<Real, B> backward(const typename B::Context& context, View<const Real, B> d_y_TD,
                                    Saved<Real, B> saved, NormalisedFusion&) const {
    auto d_mass = Matrix<Real, B>::uninitialized(context, 1, d_y_TD.rows);
    B::for_each(context, d_y_TD.rows,
                [=, d_t = saved.o_token_TD.view(), d_s = saved.o_segment_TD.view(), d_mass_1T = d_mass.view(),
                 z_1T = std::as_const(saved.z_1T).view(), w_t = static_cast<Real>(token),
                 w_s = static_cast<Real>(segment)] MOE_HOST_DEVICE(Index t) {
                  const Real a = w_t / z_1T(0, t), b = w_s / z_1T(0, t);
                  Real inner = 0;
                  for (Index d = 0; d < d_y_TD.cols; ++d) {
                    inner += d_y_TD(t, d) * (a * d_t(t, d) + b * d_s(t, d));
                    d_t(t, d) = a * d_y_TD(t, d);
                    d_s(t, d) = b * d_y_TD(t, d);
                  }
                  d_mass_1T(0, t) = -b * inner;
                });
    return {std::move(saved.o_token_TD), std::move(saved.o_segment_TD), std::move(d_mass)};
  }

  NormalisedFusion structure() const { return *this; }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&&, const std::string&, Trees&&...) {}
};

}  // namespace moe
