#pragma once

#include <concepts>

#include "moe/concepts/module.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// What a fusion's backward returns; d_mass_1T is empty where the output does not depend on the mass.
template <class Real, class B>
struct FusionGradients {
  Matrix<Real, B> d_token_TD, d_segment_TD, d_mass_1T;
};

/// Joins the outputs of the token and the segment level (eq. 6). `mass_T` is, for each row, the sum of its
/// segment-level gates: 0 where no expert chose the row's segment. Fusions that learn are modules; those that do not
/// visit nothing.
template <class F>
concept Fusion = requires(const F& fusion) {
  { F::needs_mass } -> std::convertible_to<bool>;
  { fusion.structure() } -> std::same_as<F>;
};

}  // namespace moe
