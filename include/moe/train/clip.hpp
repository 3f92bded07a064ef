#pragma once

#include <algorithm>
#include <cmath>

#include "moe/core/index.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/train/walk.hpp"

namespace moe {

/// The Euclidean norm over all values of a gradient tree, summed in double in a fixed order. Not finite if any value is
/// not finite. On a device the host waits once, for the sums of all tensors.
template <Module Tree>
double global_norm(const typename Tree::Context& context, const Tree& gradient) {
  using B = typename Tree::Backend;
  Index count = 0;
  for_each_tensor([&](const auto& tensor) { count += !tensor.empty(); }, gradient);
  auto sums = Matrix<double, B>::uninitialized(context, 1, count);
  Index next = 0;
  for_each_tensor(
      [&](const auto& tensor) {
        if (tensor.empty()) return;
        B::sum_of_squares(context, tensor.view(), sums.view().cols_between(next, next + 1));
        ++next;
      },
      gradient);
  typename B::template HostBuffer<double> of_tensors(context, count);
  B::download(context, sums.const_view(), of_tensors.data());
  double squares = 0;
  for (Index i = 0; i < count; ++i) squares += of_tensors.data()[i];
  return std::sqrt(squares);
}

/// The factor that clips a gradient of norm `norm` to a norm of about `limit`: limit / (norm + 1e-6) if that is below
/// 1, otherwise 1. An infinite limit clips nothing. Throws Error if the limit is not above 0 or the norm is negative.
/// The result for a norm that is not finite has no meaning: check the norm first.
inline double clip_factor(double norm, double limit) {
  require(limit > 0, "clip_factor", "the limit must be above 0, got ", limit);
  require(!(norm < 0), "clip_factor", "a norm must not be negative, got ", norm);
  return (std::min)(1.0, limit / (norm + 1e-6));
}

}  // namespace moe
