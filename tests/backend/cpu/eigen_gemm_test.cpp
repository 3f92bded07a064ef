#include "moe/backend/cpu/eigen_gemm.hpp"

#include <vector>

#include "support/catch.hpp"
#include "support/random_tensors.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

struct Host {
  static constexpr bool is_host = true;
};

/// `rows` x `cols` values with `gap` unused ones after each row, `shift` values into their memory.
template <class Real>
struct Strided {
  std::vector<Real> values;
  View<Real, Host> view;
  Strided(Index rows, Index cols, Index gap, Index shift)
      : values(static_cast<std::size_t>(rows * (cols + gap) + shift), Real(-77)),
        view(values.data() + shift, rows, cols, cols + gap) {}
};

template <Product product, class Real>
void check_product(Index m, Index n, Index k, Index gap, Index shift) {
  Draw draw("product", static_cast<std::uint32_t>(m * 1000 + n * 10 + k));
  Strided<Real> a(product == Product::left_transposed ? k : m, product == Product::left_transposed ? m : k, gap, shift);
  Strided<Real> b(product == Product::right_transposed ? n : k, product == Product::right_transposed ? k : n, gap,
                  shift);
  Strided<Real> c(m, n, gap, shift);
  fill_normal(draw, a.view);
  fill_normal(draw, b.view);
  fill_normal(draw, c.view);
  std::vector<double> expected;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      double sum = static_cast<double>(c.view(i, j));
      for (Index l = 0; l < k; ++l)
        sum += static_cast<double>(product == Product::left_transposed ? a.view(l, i) : a.view(i, l)) *
               static_cast<double>(product == Product::right_transposed ? b.view(j, l) : b.view(l, j));
      expected.push_back(sum);
    }
  EigenGemm::add<product, Real>(View<const Real, Host>(a.view), View<const Real, Host>(b.view), c.view);
  double worst = 0;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j)
      worst =
          std::max(worst, std::abs(expected[static_cast<std::size_t>(i * n + j)] - static_cast<double>(c.view(i, j))));
  INFO(m << " x " << n << " x " << k << ", gap " << gap << ", shift " << shift << ", MOE_TEST_SEED=" << seed());
  CHECK(worst <= (sizeof(Real) == 4 ? 2e-6 : 1e-14) * (1 + static_cast<double>(k)));
  // What lies between the rows belongs to somebody else.
  for (Index i = 0; i < m; ++i)
    for (Index g = 0; g < gap; ++g) CHECK((c.view.row(i).data + n)[g] == Real(-77));
}

}  // namespace

TEMPLATE_TEST_CASE("products of every shape add what plain loops add", "[cpu]", float, double) {
  for (const Index m : {0, 1, 2, 17, 65})
    for (const Index n : {0, 1, 3, 33})
      for (const Index k : {0, 1, 5, 70}) {
        const Index gap = (m + n) % 3, shift = (n + k) % 4;
        check_product<Product::plain, TestType>(m, n, k, gap, shift);
        check_product<Product::left_transposed, TestType>(m, n, k, gap, shift);
        check_product<Product::right_transposed, TestType>(m, n, k, gap, shift);
      }
}

TEMPLATE_TEST_CASE("a product has the same bits wherever its operands start", "[cpu]", float, double) {
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
          EigenGemm::add<Product::right_transposed, TestType>(View<const TestType, Host>(a.view),
                                                              View<const TestType, Host>(b.view), c.view);
          const std::vector<TestType> result(c.view.data, c.view.data + m * n);
          if (shift == 0) first = result;
          INFO(m << " x " << n << " x " << k << ", shift " << shift);
          CHECK(result == first);
        }
      }
}

TEST_CASE("a view is an Eigen map without a copy", "[cpu]") {
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
