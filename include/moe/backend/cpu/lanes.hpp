#pragma once

#include "moe/backend/cpu/isa/instantiations.hpp"
#include "moe/core/index.hpp"

namespace moe::cpu {

/// Sum of term(i) for i in [0, size), in sixteen interleaved lanes that are then added pairwise. The summation order
/// depends on `size` alone, not on alignment or on neighboring rows.
template <class Real, class Term>
inline Real lane_sum(Index size, Term term) {
  constexpr Index lanes = 16;
  Real sum[lanes] = {};
  Index i = 0;
  for (; i + lanes <= size; i += lanes)
    for (Index l = 0; l < lanes; ++l) sum[l] += static_cast<Real>(term(i + l));
  for (Index l = 0; i < size; ++i, ++l) sum[l] += static_cast<Real>(term(i));
  for (Index half = lanes / 2; half > 0; half /= 2)
    for (Index l = 0; l < half; ++l) sum[l] += sum[l + half];
  return sum[0];
}

/// sum_i a_i b_i, in the order of lane_sum.
template <class Real>
Real dot(const Real* a, const Real* b, Index size) {
  return row_kernels<Real>().dot(a, b, size);
}

/// sum_i a_i^2 in double, in the order of lane_sum.
template <class Real>
double sum_of_squares(const Real* a, Index size) {
  return row_kernels<Real>().sum_of_squares(a, size);
}

}  // namespace moe::cpu
