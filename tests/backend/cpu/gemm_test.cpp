#include "moe/backend/cpu/gemm.hpp"

#include <cstring>

#include "backend/cpu/groups.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/cpu/eigen_gemm.hpp"
#include "support/catch.hpp"
#include "support/check_products.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace gemm_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Tensor = Matrix<double, B>;
using ConstView = View<const double, B>;
const CpuContext context{.threads = 2};

/// Results of several tiles, in rows and in columns.
const std::vector<ProductCase> large = {{900, 70, 40, false}, {3, 1500, 300, true}, {64, 64, 300, false}};

std::vector<Tensor> draw_weights(Draw& draw) {
  std::vector<Tensor> w;
  for (int g = 0; g < 4; ++g) w.push_back(random_matrix<double, B>(draw, out, in));
  return w;
}
template <class V>
std::vector<V> views(const std::vector<Tensor>& tensors) {
  std::vector<V> result;
  for (const auto& t : tensors) result.push_back(t.view());
  return result;
}

}  // namespace

TEST_CASE("a grouped product multiplies each group's rows by the weights of the group", "[cpu]") {
  Draw draw("grouped product");
  const auto w = draw_weights(draw);
  // Some of the columns of a wider matrix.
  const auto wide = random_matrix<double, B>(draw, 304, 2 * in + 3);
  const ConstView x(wide.data() + 1, 304, in, wide.cols());
  Tensor y(304, out + 2);
  B::grouped_product(context, x, views<ConstView>(w), offsets, y.view().cols_between(1, out + 1));
  std::vector<double> expected, actual;
  for (Index r = 0; r < 304; ++r)
    for (Index f = 0; f < out; ++f) {
      double sum = 0;
      for (Index d = 0; d < in; ++d) sum += x(r, d) * w[static_cast<std::size_t>(group_of(r))].view()(f, d);
      expected.push_back(sum);
      actual.push_back(y.view()(r, f + 1));
    }
  CHECK(relative_deviation(expected, actual) < 1e-14);
  for (Index r = 0; r < 304; ++r) CHECK((y.view()(r, 0) == 0 && y.view()(r, out + 1) == 0));
}

TEST_CASE("dgrad of a grouped product adds to the given gradient", "[cpu]") {
  Draw draw("grouped product back");
  const auto w = draw_weights(draw);
  const auto d_y = random_matrix<double, B>(draw, 304, out);
  auto d_x = random_matrix<double, B>(draw, 304, in);
  std::vector<double> expected;
  for (Index r = 0; r < 304; ++r)
    for (Index d = 0; d < in; ++d) {
      double sum = d_x.view()(r, d);
      for (Index f = 0; f < out; ++f) sum += d_y.view()(r, f) * w[static_cast<std::size_t>(group_of(r))].view()(f, d);
      expected.push_back(sum);
    }
  B::add_grouped_dgrad(context, d_y, views<ConstView>(w), offsets, d_x.view());
  CHECK(relative_deviation(expected, values_of(d_x)) < 1e-13);
}

TEST_CASE("wgrad of a grouped product adds group by group and skips empty gradients", "[cpu]") {
  Draw draw("weight gradient");
  const auto d_y = random_matrix<double, B>(draw, 304, out), x = random_matrix<double, B>(draw, 304, in);
  std::vector<Tensor> d_w;
  for (int g = 0; g < 4; ++g) d_w.push_back(g == 3 ? Tensor() : random_matrix<double, B>(draw, out, in));
  std::vector<double> expected;
  for (Index g = 0; g < 3; ++g)
    for (Index f = 0; f < out; ++f)
      for (Index d = 0; d < in; ++d) {
        double sum = d_w[static_cast<std::size_t>(g)].view()(f, d);
        for (Index r = 0; r < 303; ++r)
          if (group_of(r) == g) sum += d_y.view()(r, f) * x.view()(r, d);
        expected.push_back(sum);
      }
  std::vector<View<double, B>> targets;
  for (auto& t : d_w) targets.push_back(t.view());
  B::grouped_wgrad(context, d_y.const_view(), x.const_view(), offsets, targets);
  std::vector<double> actual;
  for (const auto& t : d_w)
    for (const double value : values_of(t)) actual.push_back(value);
  CHECK(relative_deviation(expected, actual) < 1e-13);
  CHECK(d_w[3].empty());
}

TEST_CASE("a row's product with the gate is bitwise identical with any other rows in the batch", "[cpu]") {
  Draw draw("row products");
  const auto x = random_matrix<float, B>(draw, 100, 37), w = random_matrix<float, B>(draw, 6, 37);
  Matrix<float, B> all(100, 6), one(1, 6);
  B::row_products(context, x.const_view(), w, all.view());
  for (const Index r : {0, 1, 50, 99}) {
    B::row_products(context, x.view().rows_between(r, r + 1), w, one.view());
    for (Index e = 0; e < 6; ++e) CHECK(one.view()(0, e) == all.view()(r, e));
  }
}

TEST_CASE("independent products of the CPU are those of plain loops", "[cpu]") {
  for (const int threads : {1, 3}) {
    const CpuContext on{.threads = threads};
    for (const auto& cases : {product_cases(), large}) {
      CHECK(worst_products<double, double, B>(on, cases) <= 1);
      CHECK(worst_products<float, float, B>(on, cases) <= 1);
      CHECK(worst_products<BFloat16, float, B>(on, cases) <= 1);
      CHECK(worst_products<BFloat16, BFloat16, B>(on, cases) <= 1);
      const Cpu<EigenGemm>::Context eigen{.threads = threads};
      CHECK(worst_products<double, double, Cpu<EigenGemm>>(eigen, cases) <= 1);
    }
    CHECK_NOTHROW(B::products<Product::plain, float>(on, {}));
  }
}

TEST_CASE("independent products are bitwise identical for any number of threads", "[cpu]") {
  Draw draw("products");
  const auto a = random_matrix<float, B>(draw, 900, 300), b = random_matrix<float, B>(draw, 300, 700);
  const auto product_of = [&](int threads) {
    const CpuContext on{.threads = threads};
    Matrix<float, B> c(900, 700);
    B::products<Product::plain, float>(on,
                                       {{a.view().rows_between(0, 500), b.view(), c.view().rows_between(0, 500)},
                                        {a.view().rows_between(500, 900), b.view(), c.view().rows_between(500, 900)}});
    return c;
  };
  const auto one = product_of(1), four = product_of(4);
  CHECK(std::memcmp(one.data(), four.data(), static_cast<std::size_t>(one.size()) * sizeof(float)) == 0);
}

}  // namespace gemm_test
