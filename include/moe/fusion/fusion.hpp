#pragma once

#include <concepts>
#include <type_traits>

#include "moe/backend/contract/archetype.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/module.hpp"

namespace moe {

/// Gradients returned by the backward of an output fusion.
template <class Real, class B>
struct FusionGradients {
  /// d(loss)/d(output) of each level.
  Matrix<Real, B> d_token_TD, d_segment_TD;
};

namespace detail {
// nvcc takes the address of a template only in a constant expression, which is the second alternative. Other compilers
// would then compile the body for the archetype backend, which has no operations; the first alternative satisfies them
// without that.
template <class F>
concept HasScales = requires {
  &F::template scales<float, archetype::Backend>;
}
|| requires { typename std::bool_constant<(&F::template scales<float, archetype::Backend> != nullptr)>; };

template <class F>
concept FusionTree = requires(const F& fusion) {
  { fusion.empty_tree() } -> std::same_as<F>;
};
}  // namespace detail

/// A fusion (eq. 6) that only scales gates: y_t = scale_t0 O_token + scale_t1 O_segment with two numbers per row.
/// HybridMoE then runs both levels in one pass. `mass_1T` is, for each row, the sum of its segment-level gates: 0 where
/// no expert selected the row's segment.
///
///   scales(context, mass_1T) -> scale_T2
///   scales_backward(context, mass_1T, scale_T2, d_scale_T2, gradient) -> d_mass_1T, empty if no scale depends on it
template <class F>
concept GateFusion = detail::FusionTree<F> && detail::HasScales<F>;

/// A fusion (eq. 6) that combines the two output matrices, for example per channel or by weight matrices.
///
///   forward(context, O_token_TD, O_segment_TD) -> (y_TD, saved)
///   backward(context, d_y_TD, saved, gradient) -> FusionGradients
template <class F>
concept OutputFusion = detail::FusionTree<F> && requires {
  typename F::Saved;
};

/// Combines the outputs of the token and the segment level. A fusion with learned weights visits them as parameters;
/// the others have none.
template <class F>
concept Fusion = GateFusion<F> || OutputFusion<F>;

}  // namespace moe
