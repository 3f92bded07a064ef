#pragma once

#include <cmath>
#include <vector>

#include "moe/backend/cpu/product.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace moe::testing {

struct Host {
  static constexpr bool is_host = true;
};

/// `rows` x `cols` values with `gap` unused values after each row, starting `shift` values after the start of their
/// memory.
template <class Real>
struct Strided {
  std::vector<Real> values;
  View<Real, Host> view;
  Strided(Index rows, Index cols, Index gap, Index shift)
      : values(static_cast<std::size_t>(rows * (cols + gap) + shift), Real(-77)),
        view(values.data() + shift, rows, cols, cols + gap) {}
  View<const Real, Host> operand() const { return view; }
};

/// Random operands of c += op(a) op(b), m x n over k.
template <Product product, class Real>
struct Operands {
  Strided<Real> a, b, c;
  Operands(Index m, Index n, Index k, Index gap, Index shift)
      : a(product == Product::left_transposed ? k : m, product == Product::left_transposed ? m : k, gap, shift),
        b(product == Product::right_transposed ? n : k, product == Product::right_transposed ? k : n, gap, shift),
        c(m, n, gap, shift) {
    Draw draw("product", static_cast<std::uint32_t>(m * 1000 + n * 10 + k));
    for (auto* operand : {&a, &b, &c}) fill_normal(draw, operand->view);
  }
};

/// Checks that add(a, b, c) adds to c what plain loops in double add, and does not change the memory between the rows
/// of c.
template <Product product, class Real, class Add>
void check_product(Index m, Index n, Index k, Index gap, Index shift, const Add& add) {
  Operands<product, Real> o(m, n, k, gap, shift);
  std::vector<double> expected;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      double sum = static_cast<double>(o.c.view(i, j));
      for (Index l = 0; l < k; ++l)
        sum += static_cast<double>(product == Product::left_transposed ? o.a.view(l, i) : o.a.view(i, l)) *
               static_cast<double>(product == Product::right_transposed ? o.b.view(j, l) : o.b.view(l, j));
      expected.push_back(sum);
    }
  add(o.a.operand(), o.b.operand(), o.c.view);
  double worst = 0;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j)
      worst = std::max(worst,
                       std::abs(expected[static_cast<std::size_t>(i * n + j)] - static_cast<double>(o.c.view(i, j))));
  INFO(m << " x " << n << " x " << k << ", gap " << gap << ", shift " << shift << ", MOE_TEST_SEED=" << seed());
  CHECK(worst <= (sizeof(Real) == 4 ? 2e-6 : 1e-14) * (1 + static_cast<double>(k)));
  bool untouched = true;
  for (Index i = 0; i < m; ++i)
    for (Index g = 0; g < gap; ++g) untouched = untouched && (o.c.view.row(i).data + n)[g] == Real(-77);
  CHECK(untouched);
}

}  // namespace moe::testing
