/// Checks that every pooling must pass.
#pragma once

#include <utility>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/routing/pooling/pooling.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace moe::testing {

/// Three segments of nine rows: of three rows, of one, of five.
inline const std::vector<Index> pool_begin = {0, 3, 4, 9};
inline const View<const Index, Cpu<>> pool_begin_1V(pool_begin.data(), 1, 4);

template <Pooling Pool>
auto pooled(const Tensor& x_TD) {
  Tensor u_VD(3, x_TD.cols());
  auto saved = Pool::template forward<double, Cpu<>>(CpuContext{.threads = 2}, x_TD.view(), pool_begin_1V, u_VD.view());
  return std::pair(std::move(u_VD), std::move(saved));
}

/// The gradient matches central differences and is added to the existing one.
template <Pooling Pool>
void check_pool_gradient() {
  Draw draw("pool");
  auto x = random_matrix<double, Cpu<>>(draw, 9, 4);
  const auto c = random_matrix<double, Cpu<>>(draw, 3, 4);
  auto d_x = random_matrix<double, Cpu<>>(draw, 9, 4);
  const auto before = d_x.copy();
  const auto [u, saved] = pooled<Pool>(x);
  Pool::template add_backward<double, Cpu<>>(CpuContext{.threads = 2}, c.view(), pool_begin_1V, saved, d_x.view());
  for (Index i = 0; i < d_x.size(); ++i) d_x.data()[i] -= before.data()[i];
  check_component_gradients(
      "x", x, d_x, [&] { return inner(c, pooled<Pool>(x).first); }, component_bar);
}

/// Pooling row by row is bitwise identical.
template <Pooling Pool>
void check_pool_row_by_row() {
  Draw draw("pool by row");
  const auto x = random_matrix<double, Cpu<>>(draw, 9, 4);
  const auto u = pooled<Pool>(x).first;
  for (Index v = 0; v < 3; ++v)
    for (Index d = 0; d < 4; ++d) {
      double so_far = 0;
      const Index first = pool_begin[static_cast<std::size_t>(v)], last = pool_begin[static_cast<std::size_t>(v) + 1];
      for (Index t = first; t < last; ++t) so_far = Pool::accumulated(so_far, x.view()(t, d), t - first);
      CHECK(Pool::finished(so_far, last - first) == u.view()(v, d));
    }
}

}  // namespace moe::testing
