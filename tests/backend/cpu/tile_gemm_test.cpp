#include "moe/backend/cpu/tile_gemm.hpp"

#include <limits>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "support/check_product.hpp"

namespace tile_gemm_test {

using namespace moe;
using namespace moe::testing;

namespace {

const CpuContext context{.threads = 2};

template <Product product, class Real>
void check(Index m, Index n, Index k, Index gap, Index shift) {
  check_product<product, Real>(m, n, k, gap, shift,
                               [](auto a, auto b, auto c) { TileGemm::add<product, Real>(context, a, b, c); });
}
template <class Real>
void check_all(Index m, Index n, Index k) {
  const Index gap = (m + n) % 3, shift = (n + k) % 4;
  check<Product::plain, Real>(m, n, k, gap, shift);
  check<Product::left_transposed, Real>(m, n, k, gap, shift);
  check<Product::right_transposed, Real>(m, n, k, gap, shift);
}

/// Rows of y = x w^T for the first `rows` rows of x as one group.
template <class Real>
std::vector<Real> product_of_rows(View<const Real, Host> x, View<const Real, Host> w, Index rows) {
  std::vector<Real> y(static_cast<std::size_t>(rows * w.rows));
  const Index offsets[] = {0, rows};
  using Lhs = TileGemm::Lhs<Product::right_transposed, Real, Host>;
  Lhs(context, x.rows_between(0, rows), {offsets, 2})
      .multiply(0, 0, 0, rows, {w}, 0, w.rows, View<Real, Host>(y.data(), rows, w.rows), cpu::StoreMode::overwrite);
  return y;
}

}  // namespace

TEMPLATE_TEST_CASE("products of TileGemm equal those of plain loops, for every shape", "[cpu]", float, double) {
  for (const Index m : {0, 1, 2, 8, 9, 14, 15, 33})
    for (const Index n : {0, 1, 16, 31, 32, 33, 70})
      for (const Index k : {0, 1, 5, 16, 37}) check_all<TestType>(m, n, k);
  // More than one strip, panel and block of the inner index.
  check_all<TestType>(130, 70, 300);
  check_all<TestType>(9, 33, 2500);
  check_all<TestType>(3, 600, 530);
}

TEST_CASE("a product that is written is one that is added to zero, whatever was there", "[cpu]") {
  const Operands<Product::right_transposed, float> o(20, 35, 300, 0, 0);
  std::vector<float> added(20 * 35, 0.0f), written(20 * 35, std::numeric_limits<float>::quiet_NaN());
  TileGemm::add<Product::right_transposed, float>(context, o.a.operand(), o.b.operand(),
                                                  View<float, Host>(added.data(), 20, 35));
  TileGemm::write<Product::right_transposed, float>(context, o.a.operand(), o.b.operand(),
                                                    View<float, Host>(written.data(), 20, 35));
  CHECK(written == added);
}

TEMPLATE_TEST_CASE("a row is bitwise identical in all groups of up to eight rows, and in all larger groups", "[cpu]",
                   float, double) {
  // Groups of up to eight rows are summed in another order than larger groups.
  for (const Index k : {1, 3, 5, 8, 15, 16, 17, 37, 48, 300, 2500}) {
    const Operands<Product::right_transposed, TestType> o(40, 35, k, 1, 1);
    const auto row_of = [&](Index rows) {
      const auto y = product_of_rows<TestType>(o.a.operand(), o.b.operand(), rows);
      return std::vector<TestType>(y.begin(), y.begin() + 35);
    };
    INFO(k);
    const auto alone = row_of(1), with_eight = row_of(9);
    for (const Index rows : {2, 3, 4, 5, 6, 7, 8}) CHECK(row_of(rows) == alone);
    for (const Index rows : {10, 13, 14, 15, 22, 28, 29, 40}) CHECK(row_of(rows) == with_eight);
  }
}

TEMPLATE_TEST_CASE("products of TileGemm are bitwise identical for any alignment of their operands", "[cpu]", float,
                   double) {
  for (const Index m : {1, 2, 9, 17})
    for (const Index n : {1, 16, 33})
      for (const Index k : {1, 17, 63, 200}) {
        std::vector<TestType> first;
        for (Index shift = 0; shift < 5; ++shift) {
          Operands<Product::right_transposed, TestType> o(m, n, k, 0, shift);
          TileGemm::add<Product::right_transposed, TestType>(context, o.a.operand(), o.b.operand(), o.c.view);
          const std::vector<TestType> result(o.c.view.data, o.c.view.data + m * n);
          if (shift == 0) first = result;
          INFO(m << " x " << n << " x " << k << ", shift " << shift);
          CHECK(result == first);
        }
      }
}

TEST_CASE("a sum that is stored between its blocks is bitwise identical to a sum in one pass", "[cpu]") {
  // An inner index of 5000 has more than one block in any Gemm.
  const Operands<Product::right_transposed, float> o(20, 35, 5000, 0, 0);
  const auto whole = product_of_rows<float>(o.a.operand(), o.b.operand(), 20);
  std::vector<float> parts(20 * 35, 0.0f);
  for (Index k = 0; k < 5000; k += 1000)
    TileGemm::add<Product::right_transposed, float>(context, o.a.operand().cols_between(k, k + 1000),
                                                    o.b.operand().cols_between(k, k + 1000),
                                                    View<float, Host>(parts.data(), 20, 35));
  CHECK(whole == parts);
}

}  // namespace tile_gemm_test
