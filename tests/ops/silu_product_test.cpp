#include "moe/ops/silu_product.hpp"

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

using namespace moe;
using namespace moe::testing;

TEST_CASE("silu(a) b and its gradients are their formulas", "[ops][gradient]") {
  using B = Cpu<>;
  const CpuContext context{.threads = 2};
  Draw draw("silu product");
  auto a = random_matrix<double, B>(draw, 9, 5, 3), b = random_matrix<double, B>(draw, 9, 5);
  const auto c = random_matrix<double, B>(draw, 9, 5);
  const auto h = [&] { return silu_product<double, B>(context, std::as_const(a).view(), std::as_const(b).view()); };
  const auto y = h();
  for (Index i = 0; i < y.size(); ++i)
    CHECK(y.data()[i] == Catch::Approx(a.data()[i] / (1 + std::exp(-a.data()[i])) * b.data()[i]).epsilon(1e-14));
  auto d_a = a.copy(), d_b = b.copy();
  silu_product_back<double, B>(context, c.view(), d_a.view(), d_b.view());
  const auto loss = [&] { return inner(c, h()); };
  check_component_gradients("a", a, d_a, loss, component_bar);
  check_component_gradients("b", b, d_b, loss, component_bar);
}

TEST_CASE("silu of numbers far from 0 is no NaN", "[ops]") {
  using B = Cpu<>;
  const CpuContext context;
  Matrix<float, B> a(1, 2), b(1, 2), d_h(1, 2);
  for (int i = 0; i < 2; ++i) b.data()[i] = 2, d_h.data()[i] = 3;
  a.data()[0] = -1e4f;
  a.data()[1] = 1e4f;
  const auto h = silu_product<float, B>(context, std::as_const(a).view(), std::as_const(b).view());
  CHECK(h.data()[0] == 0);
  CHECK(h.data()[1] == 2e4f);
  silu_product_back<float, B>(context, std::as_const(d_h).view(), a.view(), b.view());
  CHECK(a.data()[0] == 0);
  CHECK(a.data()[1] == 6);
  CHECK(b.data()[0] == 0);
  CHECK(b.data()[1] == 3e4f);
}
