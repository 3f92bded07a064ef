#include "moe/backend/cpu/eigen_gemm.hpp"

#include <vector>

#include "support/check_product.hpp"

namespace eigen_gemm_test {

using namespace moe;
using namespace moe::testing;

namespace {

template <Product product, class Real>
void check(Index m, Index n, Index k, Index gap, Index shift) {
  check_product<product, Real>(m, n, k, gap, shift,
                               [](auto a, auto b, auto c) { EigenGemm::add<product, Real>(a, b, c); });
}

}  // namespace

TEMPLATE_TEST_CASE("products of EigenGemm equal those of plain loops, for every shape", "[cpu]", float, double) {
  for (const Index m : {0, 1, 2, 17, 65})
    for (const Index n : {0, 1, 3, 33})
      for (const Index k : {0, 1, 5, 70}) {
        const Index gap = (m + n) % 3, shift = (n + k) % 4;
        check<Product::plain, TestType>(m, n, k, gap, shift);
        check<Product::left_transposed, TestType>(m, n, k, gap, shift);
        check<Product::right_transposed, TestType>(m, n, k, gap, shift);
      }
}

TEMPLATE_TEST_CASE("products of EigenGemm are bitwise identical for any alignment of their operands", "[cpu]", float,
                   double) {
  for (const Index m : {1, 2, 9})
    for (const Index n : {1, 2, 9})
      for (const Index k : {1, 3, 17, 63, 200}) {
        std::vector<TestType> first;
        for (Index shift = 0; shift < 5; ++shift) {
          Draw draw("alignment", static_cast<std::uint32_t>(m * 1000 + n * 10 + k));
          Strided<TestType> a(m, k, 0, shift), b(n, k, 0, (shift * 3) % 5), c(m, n, 0, shift);
          fill_normal(draw, a.view);
          fill_normal(draw, b.view);
          fill_normal(draw, c.view);
          EigenGemm::add<Product::right_transposed, TestType>(a.operand(), b.operand(), c.view);
          const std::vector<TestType> result(c.view.data, c.view.data + m * n);
          if (shift == 0) first = result;
          INFO(m << " x " << n << " x " << k << ", shift " << shift);
          CHECK(result == first);
        }
      }
}

TEST_CASE("as_eigen maps a view without a copy", "[cpu]") {
  std::vector<float> values(12, 1);
  const View<float, Host> view(values.data(), 2, 3, 6);
  auto map = as_eigen(view);
  CHECK(map.data() == values.data());
  CHECK(map.rows() == 2);
  CHECK(map.cols() == 3);
  map(1, 2) = 5;
  CHECK(values[8] == 5);
  CHECK(as_eigen(View<const float, Host>(view)).sum() == 10);
}

}  // namespace eigen_gemm_test
