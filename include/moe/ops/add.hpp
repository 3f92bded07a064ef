#pragma once

#include "moe/concepts/backend.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// to += from, value by value; both have the same shape.
template <class Real, Backend B>
void add_to(const typename B::Context& context, const Matrix<Real, B>& from, View<Real, B> to) {
  B::for_each(context, to.rows, [to, from = from.view()] MOE_HOST_DEVICE(Index t) {
    for (Index d = 0; d < to.cols; ++d) to(t, d) += from(t, d);
  });
}

}  // namespace moe
